class Usual {
    public static void main(String[] arguments) {
        System.out.println("leaving");
        System.exit(7);
    }
}
