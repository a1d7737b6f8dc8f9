package lib;

public class Three {
    public static String text() {
        return "three";
    }
}
