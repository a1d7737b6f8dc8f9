import java.util.concurrent.CountDownLatch

object Main extends App {
  val started = new CountDownLatch(200)
  val threads = List.fill(200)(new Thread(() => { started.countDown(); started.await() }))
  threads.foreach(_.start())
  threads.foreach(_.join())
  println(threads.size)
}
