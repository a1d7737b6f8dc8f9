import org.junit.jupiter.api.Assertions;

class Sums {
    @org.junit.jupiter.api.Test
    void right() {
        Assertions.assertEquals(4, 2 + 2);
    }
}
