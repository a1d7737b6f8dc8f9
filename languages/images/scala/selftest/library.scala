import java.time.LocalDate
import scala.concurrent.{Await, Future}
import scala.concurrent.ExecutionContext.Implicits.global
import scala.concurrent.duration.Duration

case class Point(name: String)

object Main extends App {
  val counts = "aab".groupBy(identity).mapValues(_.length)
  println(s"collections: a=${counts('a')} b=${counts('b')}")
  val Some(part) = """(\d{4})-(\d{2})""".r.findFirstMatchIn("on 2024-03-01")
  println(s"regex: ${part.group(1)} ${part.group(2)}")
  println(s"bigint: ${BigInt(2).pow(100)}")
  println(s"sort: ${List("pear", "fig", "apple").map(Point).sortBy(_.name).map(_.name).mkString(" ")}")
  println(s"date: ${LocalDate.of(2024, 2, 28).plusDays(2)}")
  val total = Future.sequence((1 to 4).map(number => Future(number))).map(_.sum)
  println(s"threads: ${Await.result(total, Duration.Inf)}")
}
