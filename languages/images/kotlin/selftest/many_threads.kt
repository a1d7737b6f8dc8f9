import java.util.concurrent.CountDownLatch
import kotlin.concurrent.thread

fun main() {
    val started = CountDownLatch(200)
    val threads = List(200) { thread { started.countDown(); started.await() } }
    threads.forEach { it.join() }
    println(threads.size)
}
