class Main {
    public static void main(String[] arguments) {
        System.out.println("started");
        System.out.print("half a line");
        while (true) {
        }
    }
}
