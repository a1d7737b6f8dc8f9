class Main {
    public static void main(String[] args) {
        System.out.println("before");
        assert args.length == 3;
    }
}
