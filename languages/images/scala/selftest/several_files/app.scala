import lib.Three

object App {
  def main(arguments: Array[String]): Unit =
    List("one", Two.text, Three.text).foreach(println)
}
