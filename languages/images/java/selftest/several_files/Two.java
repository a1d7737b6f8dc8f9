class Two {
    static String text() {
        return "two";
    }

    public static void main(String[] arguments) {
        System.out.println("this is not the file that was to be started");
    }
}
