object Main {
  def main(arguments: Array[String]): Unit = println(new Array[Int](20000000).length)
}
