package usual

import java.util.Scanner

data class Point(val x: Int, val y: Int)

fun main(args: Array<String>) {
    val words = generateSequence(::readLine).flatMap { it.split(" ").asSequence() }.toList()
    val counts = words.groupingBy { it }.eachCount().toSortedMap()
    for ((word, count) in counts) println("$word: $count")
    val numbers = mutableListOf(3, 1, 2)
    numbers.sortDescending()
    println(numbers.map { it * it }.filter { it > 1 }.sum())
    println(Regex("""(\d+)-(\d+)""").find("2024-03")?.destructured)
    println(Point(1, 2).copy(y = 3))
    when (val size = words.size) {
        0 -> println("none")
        else -> println("$size words, ${args.size} arguments")
    }
}
