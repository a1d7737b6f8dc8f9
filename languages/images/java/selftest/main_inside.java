public class Outer {
    static void main(int number) {
        System.out.println("wrong");
    }

    static class Middle {
        interface Inner {
            static void main(String... arguments) {
                System.out.println("inside");
            }
        }
    }
}
