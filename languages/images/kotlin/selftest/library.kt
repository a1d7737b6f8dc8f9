import java.math.BigInteger
import java.time.LocalDate
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread

data class Point(val name: String)

fun main() {
    val counts = "aab".groupingBy { it }.eachCount()
    println("collections: a=${counts['a']} b=${counts['b']}")
    val (year, month) = Regex("""(\d{4})-(\d{2})""").find("on 2024-03-01")!!.destructured
    println("regex: $year $month")
    println("bigint: ${BigInteger.valueOf(2).pow(100)}")
    println("sort: ${listOf("pear", "fig", "apple").map(::Point).sortedBy { it.name }.joinToString(" ") { it.name }}")
    println("date: ${LocalDate.of(2024, 2, 28).plusDays(2)}")
    val total = AtomicInteger()
    (1..4).map { number -> thread { total.addAndGet(number) } }.forEach { it.join() }
    println("threads: $total")
}
