package util;

public final class Text {
    public static final String TEXT = "from another file";
}
