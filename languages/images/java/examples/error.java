import java.util.List;

public class Main {
    public static void main(String[] arguments) {
        List<String> names = List.of("Ada", "Alan");
        System.out.println(names.get(2));
    }
}
