object Main {
  def main(args: Array[String]): Unit = {
    println("before")
    assert(args.length == 3)
  }
}
