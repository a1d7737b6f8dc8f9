import java.util.ArrayList;
import java.util.Collections;

class Main {
    public static void main(String[] arguments) {
        var numbers = new ArrayList<Integer>();
        long x = 42;
        for (int i = 0; i < 1_000_000; i++) {
            x = (x * 1103515245 + 12345) % (1L << 31);
            numbers.add((int) x);
        }
        Collections.sort(numbers);
        System.out.println(numbers.get(0) + " " + numbers.get(500_000) + " " + numbers.get(999_999));
    }
}
