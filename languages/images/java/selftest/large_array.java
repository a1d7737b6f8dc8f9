public class Main {
    public static void main(String[] arguments) {
        int[] numbers = new int[20_000_000];
        System.out.println(numbers.length);
    }
}
