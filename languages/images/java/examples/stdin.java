import java.util.Scanner;

public class Main {
    public static void main(String[] arguments) {
        Scanner input = new Scanner(System.in);
        int count = 0, sum = 0;
        while (input.hasNextInt()) {
            sum += input.nextInt();
            count++;
        }
        System.out.println(count + " numbers, sum " + sum);
    }
}
