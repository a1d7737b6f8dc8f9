import java.io.IOException;
import java.lang.reflect.Modifier;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import scala.tools.nsc.Main;

/**
 * Compiles the Scala files of the work directory and notes the object to start: Main, or the first one with a main
 * method, of the file that is named, or else of all. A single file with statements outside of objects is a script, all of
 * which is run. What follows the file are options of scalac.
 */
public final class Build {
    private static final Path CLASSES = Path.of("/tmp/classes");
    private static final Path START = Path.of("/tmp/start");
    /** What begins a line where only classes, objects and the like may: a statement, or a definition, of a script. */
    private static final Pattern SCRIPT = Pattern.compile(
            "(?m)^(?!(package|import|class|object|trait|case|abstract|sealed|final|implicit|private|protected|extends|with)\\b)[a-zA-Z_]");
    private static final Pattern MAIN = Pattern.compile("\\bdef\\s+main\\b|\\b(extends|with)\\s+App\\b");

    private Build() {}

    public static void main(String[] arguments) throws IOException {
        Files.createDirectories(CLASSES);
        var options = new ArrayList<>(List.of("-usejavacp", "-nowarn", "-encoding", "UTF-8", "-d", CLASSES.toString()));
        options.addAll(List.of(arguments).subList(Math.min(1, arguments.length), arguments.length));
        var files = relative(Path.of(""), ".scala");
        if (files.size() == 1 && isScript(Files.readString(Path.of(files.get(0))))) {
            options.addAll(List.of("-Xscript", "Main"));
        }
        options.addAll(files);
        Main.process(options.toArray(String[]::new));
        if (Main.reporter().hasErrors()) {
            System.exit(1);
        }
        var starts = starts();
        if (arguments.length > 0) {
            var text = Files.readString(Path.of(arguments[0]));
            var named = starts.stream().filter(name -> isObjectOf(text, name)).toList();
            starts = named.isEmpty() ? starts : named;
        }
        // Without a main method the launcher says what it misses.
        Files.writeString(START, starts.isEmpty() || starts.contains("Main") ? "Main" : starts.get(0));
    }

    private static boolean isScript(String text) {
        return SCRIPT.matcher(text).find() && !MAIN.matcher(text).find();
    }

    private static boolean isObjectOf(String text, String name) {
        var simple = name.substring(name.lastIndexOf('.') + 1);
        return Pattern.compile("\\bobject\\s+" + Pattern.quote(simple) + "\\b").matcher(text).find();
    }

    private static List<String> relative(Path folder, String ending) throws IOException {
        try (Stream<Path> tree = Files.walk(folder)) {
            return tree.map(path -> folder.relativize(path).toString()).filter(name -> name.endsWith(ending)).sorted().toList();
        }
    }

    private static List<String> starts() throws IOException {
        var starts = new ArrayList<String>();
        try (var loader = new URLClassLoader(new URL[] {CLASSES.toUri().toURL()})) {
            for (var file : relative(CLASSES, ".class")) {
                var name = file.substring(0, file.length() - ".class".length()).replace('/', '.');
                if (!name.contains("$") && isStart(name, loader)) {
                    starts.add(name);
                }
            }
        }
        return starts;
    }

    private static boolean isStart(String name, ClassLoader loader) {
        try {
            var main = Class.forName(name, false, loader).getMethod("main", String[].class);
            return Modifier.isStatic(main.getModifiers());
        } catch (ReflectiveOperationException | LinkageError none) {
            return false;
        }
    }
}
