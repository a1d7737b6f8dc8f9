import java.util.Scanner;

public class Main {
    public static void main(String[] arguments) {
        int number = new Scanner(System.in).nextInt();
        String words = (number % 3 == 0 ? "Fizz" : "") + (number % 5 == 0 ? "Buzz" : "");
        System.out.println(words.isEmpty() ? number : words);
    }
}
