import java.io.IOException;
import java.lang.reflect.Modifier;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jetbrains.kotlin.cli.common.ExitCode;
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler;

/**
 * Compiles the Kotlin files of the work directory into /tmp/main.jar and notes the class to start: the one that the
 * compiler found, or, where several have a main function, that of the file that is named. What follows the file are
 * options of kotlinc.
 */
public final class Build {
    private static final String LIBRARIES = "/usr/local/lib/gexec";
    private static final String JAR = "/tmp/main.jar";

    private Build() {}

    public static void main(String[] arguments) throws IOException {
        var classpath = Stream.of("kotlin-stdlib", "kotlin-reflect", "kotlinx-coroutines-core-jvm", "kotlin-test")
                .map(name -> LIBRARIES + "/" + name + ".jar").collect(Collectors.joining(":"));
        var words = new ArrayList<>(List.of("-no-stdlib", "-no-reflect", "-nowarn", "-cp", classpath, "-d", JAR));
        words.addAll(List.of(arguments).subList(Math.min(1, arguments.length), arguments.length));
        words.add(".");
        var code = new K2JVMCompiler().exec(System.err, words.toArray(String[]::new));
        if (code != ExitCode.OK) {
            if (arguments.length > 0 && !Pattern.compile("\\bfun\\s+main\\b").matcher(read(arguments[0])).find()) {
                System.err.println("A program begins at fun main() { ... }: statements outside of functions, as in scripts, are"
                        + " not run here.");
            }
            System.exit(1);
        }
        try (var jar = new JarFile(JAR)) {
            var start = jar.getManifest().getMainAttributes().getValue("Main-Class");
            var first = arguments.length == 0 ? "MainKt" : classOf(Path.of(arguments[0]));
            Files.writeString(Path.of("/tmp/start"), start != null ? start : startIn(jar, first));
        }
    }

    private static String read(String file) throws IOException {
        return Files.readString(Path.of(file));
    }

    /** The class of the file where it has a main function, else the first that has one: of an object, or a companion. */
    private static String startIn(JarFile jar, String first) throws IOException {
        if (jar.getEntry(first.replace('.', '/') + ".class") != null) {
            return first;
        }
        var urls = new URL[] {Path.of(JAR).toUri().toURL(), Path.of(LIBRARIES + "/kotlin-stdlib.jar").toUri().toURL()};
        try (var loader = new URLClassLoader(urls, ClassLoader.getPlatformClassLoader())) {
            for (var entry : (Iterable<JarEntry>) jar.stream()::iterator) {
                var name = entry.getName().replaceFirst("\\.class$", "").replace('/', '.');
                if (entry.getName().endsWith(".class") && hasMain(loader, name)) {
                    return name;
                }
            }
        }
        return first;
    }

    private static boolean hasMain(ClassLoader loader, String name) {
        try {
            var main = Class.forName(name, false, loader).getMethod("main", String[].class);
            return Modifier.isStatic(main.getModifiers());
        } catch (ReflectiveOperationException | LinkageError error) {
            return false;
        }
    }

    /** What the functions of a file are compiled into: other.AppKt for an app.kt in the package other. */
    private static String classOf(Path file) throws IOException {
        var found = Pattern.compile("(?m)^\\s*package\\s+([\\w.]+)").matcher(Files.readString(file));
        var stem = file.getFileName().toString().replaceFirst("\\.kt$", "").replaceAll("\\W", "_");
        var name = stem.substring(0, 1).toUpperCase() + stem.substring(1) + "Kt";
        return found.find() ? found.group(1) + "." + name : name;
    }
}
