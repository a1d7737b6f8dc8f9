fun main(arguments: Array<String>) {
    arguments.forEach { println(it) }
}
