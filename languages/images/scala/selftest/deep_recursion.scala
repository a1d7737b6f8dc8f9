object Main {
  def depth(left: Int): Int = if (left == 0) 0 else 1 + depth(left - 1)

  def main(arguments: Array[String]): Unit = println(depth(200000))
}
