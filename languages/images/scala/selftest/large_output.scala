object Main extends App {
  print("y" * 500000)
  sys.exit(0)
}
