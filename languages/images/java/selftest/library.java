import java.math.BigInteger;
import java.time.LocalDate;
import java.util.*;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.stream.*;

public class Main {
    public static void main(String[] arguments) throws Exception {
        var counts = "aab".chars().mapToObj(letter -> (char) letter)
                .collect(Collectors.groupingBy(letter -> letter, TreeMap::new, Collectors.counting()));
        System.out.println("collections: a=" + counts.get('a') + " b=" + counts.get('b'));
        var part = Pattern.compile("(\\d{4})-(\\d{2})").matcher("on 2024-03-01");
        part.find();
        System.out.println("regex: " + part.group(1) + " " + part.group(2));
        System.out.println("bigint: " + BigInteger.TWO.pow(100));
        System.out.println("sort: " + Stream.of("pear", "fig", "apple").sorted().collect(Collectors.joining(" ")));
        System.out.println("date: " + LocalDate.of(2024, 2, 28).plusDays(2));
        try (var threads = Executors.newFixedThreadPool(4)) {
            var futures = new ArrayList<Future<Integer>>();
            for (int number = 1; number <= 4; number++) {
                int own = number;
                futures.add(threads.submit(() -> own));
            }
            int total = 0;
            for (var future : futures) {
                total += future.get();
            }
            System.out.println("threads: " + total);
        }
    }
}
