import util.Text;

class Main {
    public static void main(String[] arguments) {
        System.out.println(Text.TEXT);
    }
}
