object Main extends App {
  println("Hello from Scala!")
}
