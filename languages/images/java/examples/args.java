public class Main {
    public static void main(String[] arguments) {
        for (String name : arguments) {
            System.out.println("Hello, " + name + "!");
        }
    }
}
