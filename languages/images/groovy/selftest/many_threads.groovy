import java.util.concurrent.CountDownLatch

def started = new CountDownLatch(200)
def threads = (1..200).collect { Thread.start { started.countDown(); started.await() } }
threads*.join()
println threads.size()
