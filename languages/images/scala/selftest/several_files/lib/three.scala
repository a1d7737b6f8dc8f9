package lib

object Three {
  val text = "three"
}
