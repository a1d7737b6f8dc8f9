import lib.Three;

public class App {
    public static void main(String[] one) throws NoSuchMethodException {
        System.out.println(App.class.getMethod("main", String[].class).getParameters()[0].getName());
        System.out.println(Two.text());
        System.out.println(Three.text());
    }
}
