import scala.io.Source

object Main {
  def main(arguments: Array[String]): Unit = Source.stdin.getLines().foreach(println)
}
