object Main extends App {
  println("started")
  print("half a line")
  while (true) {}
}
