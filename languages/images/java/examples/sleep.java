public class Main {
    public static void main(String[] arguments) throws InterruptedException {
        for (int number = 1; number <= 5; number++) {
            System.out.println(number);
            Thread.sleep(400);
        }
    }
}
