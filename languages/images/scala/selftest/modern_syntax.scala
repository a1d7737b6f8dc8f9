import scala.collection.parallel.CollectionConverters._
import scala.util.Using
import scala.util.chaining._

object Main {
  sealed trait Part
  case object First extends Part
  final case class Rest(from: Int) extends Part

  def named(part: Part): String = part match {
    case First                => "mod"
    case Rest(n) if n > 1_000 => "wrong"
    case Rest(_)              => "ern"
  }

  def main(arguments: Array[String]): Unit = {
    val parts = LazyList(First, Rest(1)).map(named).to(Vector)
    val first = parts.headOption.map(word => s"${word.toUpperCase}").filter { case s"M$rest" => rest == "OD" }
    assert(parts.par.map(_.length).sum == 6 && first.nonEmpty)
    assert("12".toIntOption.contains(12) && List(3, 1, 2).maxOption.contains(3) && parts.groupMapReduce(_.length)(_ => 1)(_ + _) == Map(3 -> 2))
    Using.resource(new java.io.StringReader(parts.mkString))(reader => Iterator.continually(reader.read()).takeWhile(_ >= 0).map(_.toChar).mkString)
      .tap(println)
  }
}
