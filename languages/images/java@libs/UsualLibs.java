package gexec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.Multimaps;
import com.google.gson.Gson;
import java.io.PrintWriter;
import java.util.List;
import lombok.Value;
import org.apache.commons.lang3.StringUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.console.ConsoleLauncher;

/** What programs with libraries load is what the caches hold, beside what Usual uses: a run of tests as well. */
public class UsualLibs {
    public static void main(String[] arguments) throws Exception {
        Usual.main(arguments);
        System.out.println(new Gson().toJson(List.of(1, 2)) + StringUtils.capitalize("libraries"));
        System.out.println(Multimaps.index(ImmutableList.of("a", "bb"), String::length));
        var out = new PrintWriter(System.out);
        ConsoleLauncher.run(out, out, "execute", "--disable-banner", "--disable-ansi-colors", "--details=tree",
                "--include-classname=.*", "--scan-classpath=" + arguments[0]);
    }
}

@Value
class Pair {
    int first;
    int second;
}

class PairTest {
    @Test
    void equal() {
        assertEquals(new Pair(1, 2), new Pair(1, 2));
        assertThrows(ArithmeticException.class, () -> System.out.println(1 / (new Pair(0, 1).getFirst())));
    }

    @Test
    void fails() {
        assertEquals(1, 2);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void several(int number) {
        assertEquals(number, new Pair(number, 0).getFirst());
    }
}
