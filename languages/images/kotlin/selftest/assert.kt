fun main(args: Array<String>) {
    println("before")
    assert(args.size == 3)
}
