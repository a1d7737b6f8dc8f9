class Main {
    public static void main(String[] arguments) {
        System.out.print("y".repeat(500000));
        System.exit(0);
    }
}
