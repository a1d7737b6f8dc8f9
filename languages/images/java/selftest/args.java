public class Arguments {
    public static void main(String[] arguments) {
        for (var argument : arguments) {
            System.out.println(argument);
        }
    }
}
