import scala.io.StdIn

object Main extends App {
  println("żółć, 中文 🚀")
  println(StdIn.readLine())
}
