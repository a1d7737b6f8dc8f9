object Arguments extends App {
  args.foreach(println)
}
