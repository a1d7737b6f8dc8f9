package gexec;

import com.sun.source.tree.AnnotationTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TaskEvent;
import com.sun.source.util.TaskListener;
import com.sun.source.util.TreeScanner;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import javax.lang.model.element.Modifier;
import javax.tools.ForwardingJavaFileObject;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * Compiles every Java file of the work directory and notes which class to start: of those with a main method in the
 * file that is named the public one, or else Main, or else the first; where only classes inside of others have one, the
 * first of these. A public class need not have the file's name there. Without a main method JUnit is started, if there are
 * tests in any file. Lombok has its part in the compilation of programs that name it. What follows the file are options of
 * javac.
 */
public final class Build {
    private static final Path CLASSES = Path.of("/tmp/classes");
    private static final Path START = Path.of("/tmp/start");
    private static final Path LIBRARIES = Path.of("/usr/local/lib/gexec/libs");
    private static final Set<String> TESTS =
            Set.of("Test", "ParameterizedTest", "RepeatedTest", "TestFactory", "TestTemplate");
    /** Arguments of java: its exit code is 1 where a test has failed. */
    private static final String RUN_TESTS = "org.junit.platform.console.ConsoleLauncher execute --disable-banner"
            + " --disable-ansi-colors --details=tree --include-classname=.* --scan-classpath=" + CLASSES;

    private Build() {}

    public static void main(String[] arguments) throws IOException {
        var first = Path.of(arguments[0]).normalize();
        var compiler = ToolProvider.getSystemJavaCompiler();
        var files = compiler.getStandardFileManager(null, null, null);
        Files.createDirectories(CLASSES);
        var options = new ArrayList<>(
                List.of("-d", CLASSES.toString(), "-encoding", "UTF-8", "-Xlint:-options", "-g"));
        options.addAll(processing(sources(first)));
        options.addAll(List.of(arguments).subList(1, arguments.length));
        var sources = new ArrayList<JavaFileObject>();
        for (var path : sources(first)) {
            for (var source : files.getJavaFileObjects(path)) {
                sources.add(path.equals(first) ? new AnyName(source) : source);
            }
        }
        var task = task(compiler, files, options, sources);
        var starts = new ArrayList<String>();
        var tests = new HasTests();
        task.addTaskListener(new TaskListener() {
            @Override
            public void finished(TaskEvent event) {
                if (event.getKind() != TaskEvent.Kind.PARSE) {
                    return;
                }
                tests.scan(event.getCompilationUnit(), null);
                if (event.getSourceFile().toUri().equals(first.toUri())) {
                    starts.addAll(mainClasses(event.getCompilationUnit()));
                }
            }
        });
        if (!task.call()) {
            System.exit(1);
        }
        // Without a main method the launcher says what it misses.
        Files.writeString(START, starts.isEmpty() ? tests.found ? RUN_TESTS : stem(first) : starts.get(0));
    }

    private static List<String> processing(List<Path> sources) throws IOException {
        for (var source : sources) {
            if (new String(Files.readAllBytes(source), StandardCharsets.ISO_8859_1).contains("lombok")) {
                try (Stream<Path> libraries = Files.list(LIBRARIES)) {
                    var lombok = libraries.filter(path -> path.getFileName().toString().startsWith("lombok-"));
                    return List.of("-proc:full", "-processorpath", lombok.findFirst().orElseThrow().toString());
                }
            }
        }
        return List.of("-proc:none");
    }

    private static JavacTask task(
            JavaCompiler compiler, StandardJavaFileManager files, List<String> options, List<JavaFileObject> sources) {
        try {
            return (JavacTask) compiler.getTask(null, files, null, options, null, sources);
        } catch (IllegalArgumentException refused) {
            System.err.println(refused.getMessage());
            System.exit(2);
            throw refused;
        }
    }

    private static List<Path> sources(Path first) throws IOException {
        try (Stream<Path> tree = Files.walk(Path.of(""))) {
            var others = tree.filter(path -> path.toString().endsWith(".java") && !path.equals(first)).sorted();
            return Stream.concat(Stream.of(first), others).toList();
        }
    }

    /** The classes with a main method, the one to start first: those inside of others come after all others. */
    private static List<String> mainClasses(CompilationUnitTree unit) {
        var prefix = unit.getPackage() == null ? "" : unit.getPackage().getPackageName() + ".";
        var types = unit.getTypeDecls().stream()
                .filter(ClassTree.class::isInstance).map(ClassTree.class::cast)
                .sorted(Comparator.comparingInt(Build::rank))
                .toList();
        var outer = types.stream().filter(Build::hasMain).map(type -> prefix + type.getSimpleName());
        return Stream.concat(outer, types.stream().flatMap(type -> inside(prefix, type))).toList();
    }

    private static Stream<String> inside(String prefix, ClassTree outer) {
        var name = prefix + outer.getSimpleName() + "$";
        return outer.getMembers().stream()
                .filter(ClassTree.class::isInstance).map(ClassTree.class::cast)
                .flatMap(type -> Stream.concat(
                        hasMain(type) ? Stream.of(name + type.getSimpleName()) : Stream.of(), inside(name, type)));
    }

    /** The lowest is started; of equal ones the first. */
    private static int rank(ClassTree type) {
        if (type.getModifiers().getFlags().contains(Modifier.PUBLIC)) {
            return 0;
        }
        return type.getSimpleName().contentEquals("Main") ? 1 : 2;
    }

    private static boolean hasMain(ClassTree type) {
        return type.getMembers().stream().anyMatch(Build::isMain);
    }

    private static boolean isMain(Tree member) {
        return member instanceof MethodTree method
                && method.getName().contentEquals("main")
                && String.valueOf(method.getReturnType()).equals("void")
                && (method.getParameters().isEmpty() || takesWords(method.getParameters()));
    }

    private static boolean takesWords(List<? extends VariableTree> parameters) {
        return parameters.size() == 1 && parameters.get(0).getType().toString().matches("(java\\.lang\\.)?String(\\[]|\\.\\.\\.)");
    }

    private static String stem(Path file) {
        return file.getFileName().toString().replaceFirst("\\.java$", "");
    }

    /** Whether a method anywhere has one of JUnit's annotations. */
    private static final class HasTests extends TreeScanner<Void, Void> {
        private boolean found;

        @Override
        public Void visitAnnotation(AnnotationTree annotation, Void nothing) {
            var name = annotation.getAnnotationType().toString();
            found |= TESTS.contains(name.substring(name.lastIndexOf('.') + 1));
            return null;
        }
    }

    /** A source file in which a public class may have any name. */
    private static final class AnyName extends ForwardingJavaFileObject<JavaFileObject> {
        AnyName(JavaFileObject file) {
            super(file);
        }

        @Override
        public boolean isNameCompatible(String simpleName, Kind kind) {
            // javac asks so whether it is module-info or package-info, too.
            return kind == getKind() && (!simpleName.endsWith("-info") || super.isNameCompatible(simpleName, kind));
        }
    }
}
