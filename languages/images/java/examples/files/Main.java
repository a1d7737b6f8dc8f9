public class Main {
    public static void main(String[] arguments) {
        System.out.println("4 squared is " + Shapes.squared(4));
    }
}
