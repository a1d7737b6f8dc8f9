object Two {
  val text = "two"
}

object Main {
  def main(arguments: Array[String]): Unit = println("this is not the file that was to be started")
}
