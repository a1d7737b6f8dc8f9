package usual

import scala.collection.mutable
import scala.io.StdIn
import scala.util.Try

case class Point(x: Int, y: Int)

sealed trait Shape { def area: Double }
case class Square(side: Double) extends Shape { def area: Double = side * side }

object Usual extends App {
  val words = Iterator.continually(StdIn.readLine()).takeWhile(_ != null).flatMap(_.split(" ")).toList
  val counts = words.groupBy(identity).mapValues(_.length).toSeq.sorted
  for ((word, count) <- counts) println(s"$word: $count")
  val numbers = Array(3, 1, 2).sorted
  val buffer = mutable.ArrayBuffer(1, 2, 3)
  buffer += 4
  val seen = mutable.Map.empty[String, Int].withDefaultValue(0)
  words.foreach(word => seen(word) += 1)
  println(numbers.map(x => x * x).filter(_ > 1).sum + buffer.sum + seen.size)
  println("""(\d+)-(\d+)""".r.findFirstIn("2024-03").getOrElse("none"))
  println(Point(1, 2).copy(y = 3))
  println(f"${(Square(1.5): Shape).area}%.2f ${BigInt(2).pow(100)} ${Vector(3, 1, 2).sortBy(-_).mkString(",")}")
  words.length match {
    case 0 => println("none")
    case size => println(s"$size words, ${args.length} arguments, ${Try("x".toInt).isFailure}")
  }
}
