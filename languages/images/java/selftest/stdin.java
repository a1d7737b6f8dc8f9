import java.util.Scanner;

public class Main {
    public static void main(String[] arguments) {
        var scanner = new Scanner(System.in);
        while (scanner.hasNextLine()) {
            System.out.println(scanner.nextLine());
        }
    }
}
