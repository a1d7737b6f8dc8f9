class First {
    public static void main(String[] args) {
        System.out.println("wrong");
    }
}

public class Second {
    static class Inner {
        public static void main(String[] args) {
            System.out.println("wrong");
        }
    }

    public static void main(String[] args) {
        System.out.println("right");
    }
}
