import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarFile;
import org.jetbrains.kotlin.cli.common.ExitCode;
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler;

/** Compiles the Kotlin files of the work directory into /tmp/main.jar and notes the class that the compiler found to start. */
public final class Build {
    private static final String LIBRARIES = "/usr/local/lib/gexec";
    private static final String JAR = "/tmp/main.jar";

    private Build() {}

    public static void main(String[] arguments) throws IOException {
        // This compiler does not know how newer versions of Java are written.
        System.setProperty("java.version", "11");
        System.setProperty("java.runtime.version", "11");
        var classpath = LIBRARIES + "/kotlin-stdlib.jar:" + LIBRARIES + "/kotlin-reflect.jar";
        var code = new K2JVMCompiler().exec(
                System.err, "-no-stdlib", "-no-reflect", "-nowarn", "-jvm-target", "1.8", "-cp", classpath, "-d", JAR, ".");
        if (code != ExitCode.OK) {
            System.exit(1);
        }
        try (var jar = new JarFile(JAR)) {
            var start = jar.getManifest().getMainAttributes().getValue("Main-Class");
            Files.writeString(Path.of("/tmp/start"), start == null ? "MainKt" : start);
        }
    }
}
