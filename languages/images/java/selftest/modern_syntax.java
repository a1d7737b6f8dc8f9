import module java.base;

sealed interface Shape permits Circle, Square {}
record Circle(int radius) implements Shape {}
record Square(int side) implements Shape {}

void main() {
    var text = """
        mod
        """.strip();
    Shape shape = new Square(2);
    var rest = switch (shape) {
        case Circle(var radius) when radius > 1 -> "no";
        case Circle _ -> "never";
        case Square(int side) -> List.of("er", "n").stream().limit(side).collect(Collectors.joining());
    };
    if (shape instanceof Square square && Stream.of(1, 2).toList().getLast() == square.side()) {
        IO.println(text + rest);
    }
}
