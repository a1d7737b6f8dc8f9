object Main extends App {
  val numbers = Iterator.iterate(42L)(x => (x * 1103515245L + 12345L) % (1L << 31)).slice(1, 1000001).map(_.toInt).toVector
  val sorted = numbers.sorted
  println(s"${sorted(0)} ${sorted(500000)} ${sorted(999999)}")
}
