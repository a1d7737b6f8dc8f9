package gexec;

import java.math.BigInteger;
import java.time.LocalDate;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Scanner;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A program that uses what most programs use: what it loads is what the cache holds. */
public class Usual {
    record Point(int x, int y) {}

    interface Shape {
        double area();
    }

    public static void main(String[] arguments) throws Exception {
        var scanner = new Scanner(System.in);
        List<String> words = new ArrayList<>();
        while (scanner.hasNext()) {
            words.add(scanner.next());
        }
        Map<String, Integer> counts = new HashMap<>();
        for (String word : words) {
            counts.merge(word, 1, Integer::sum);
        }
        var sorted = new TreeMap<>(counts);
        var queue = new PriorityQueue<Map.Entry<String, Integer>>(Map.Entry.comparingByValue(Comparator.reverseOrder()));
        queue.addAll(sorted.entrySet());
        var deque = new ArrayDeque<>(List.of(1, 2, 3));
        deque.addFirst(0);
        var seen = new HashSet<>(Arrays.asList(1, 2, 2));
        var linked = new LinkedList<>(seen);
        Collections.sort(words);
        int[] numbers = IntStream.range(0, 1000).map(number -> number * 7919 % 1000).toArray();
        Arrays.sort(numbers);
        Shape shape = () -> 2.5;
        var text = words.stream().filter(word -> word.length() > 3).distinct().sorted().collect(Collectors.joining(","));
        var groups = words.stream().collect(Collectors.groupingBy(String::length, TreeMap::new, Collectors.counting()));
        System.out.printf("%d %s %.2f%n", queue.size(), deque, shape.area());
        System.out.println(text.length() + " " + groups + " " + linked + " " + new Point(1, 2));
        System.out.println(String.format("%05d %s", 42, String.join("-", words.subList(0, 2))));
        System.out.println(Pattern.compile("(\\w+) (\\w+)").matcher("two words").replaceAll("$2 $1"));
        System.out.println(BigInteger.TWO.pow(100) + " " + LocalDate.of(2024, 2, 28).plusDays(2));
        var builder = new StringBuilder();
        for (char letter : "stressed".toCharArray()) {
            builder.append(letter);
        }
        System.out.println(builder.reverse());
        var thread = new Thread(() -> System.err.println("thread"));
        thread.start();
        thread.join();
        try {
            Integer.parseInt("x");
        } catch (NumberFormatException error) {
            System.out.println(error.getMessage());
        }
    }
}
