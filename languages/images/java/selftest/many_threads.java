import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;

public class Main {
    public static void main(String[] arguments) throws InterruptedException {
        var started = new CountDownLatch(200);
        var threads = IntStream.range(0, 200).mapToObj(number -> new Thread(() -> {
            started.countDown();
            try {
                started.await();
            } catch (InterruptedException error) {
                throw new IllegalStateException(error);
            }
        })).toList();
        threads.forEach(Thread::start);
        for (var thread : threads) {
            thread.join();
        }
        System.out.println(threads.size());
    }
}
