import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayDeque;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Stacks {
    private ArrayDeque<Integer> stack;

    @BeforeEach
    void made() {
        stack = new ArrayDeque<>();
    }

    @Test
    @DisplayName("an empty one has nothing to give")
    void empty() {
        assertThrows(NoSuchElementException.class, stack::pop);
    }

    @ParameterizedTest
    @CsvSource({"1, 2", "3, 4"})
    void lastComesFirst(int first, int second) {
        stack.push(first);
        stack.push(second);
        assertEquals(second, stack.pop());
    }

    @Nested
    class Full {
        @Test
        void sizeIsWrong() {
            stack.push(1);
            assertEquals(2, stack.size(), "one is missing");
        }
    }
}
