object Main {
  def main(args: Array[String]): Unit = {
    val kept = scala.collection.mutable.ArrayBuffer[Array[Int]]()
    while (true) kept += new Array[Int](250000)
  }
}
