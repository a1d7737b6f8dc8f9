package other

object Text {
  val text = "from another file"
}
