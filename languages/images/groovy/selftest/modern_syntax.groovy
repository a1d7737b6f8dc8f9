sealed interface Part permits First, Rest {}
record First() implements Part {}
record Rest(int from) implements Part {}

def named(part) {
    switch (part) {
        case First -> "mod"
        case Rest -> "ern"
        default -> "wrong"
    }
}

def parts = [new First(), new Rest(from: 1)].collect { named(it) }
var array = new int[] {1, 2}
assert 3 !in array && parts !instanceof Map && parts?[0] == "mod"
Runnable say = () -> println(parts.join())
say.run()
