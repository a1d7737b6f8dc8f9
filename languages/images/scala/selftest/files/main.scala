import other.Text

object Main extends App {
  println(Text.text)
}
