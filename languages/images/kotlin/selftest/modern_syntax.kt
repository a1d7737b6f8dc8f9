import kotlin.test.assertEquals
import kotlinx.coroutines.async
import kotlinx.coroutines.runBlocking

sealed interface Part {
    data object First : Part
    data class Rest(val from: Int) : Part
}

enum class Case { LOWER, UPPER }

@JvmInline
value class Word(val text: String)

fun named(part: Part) = when (part) {
    is Part.First -> "mod"
    is Part.Rest if part.from > 1 -> "wrong"
    is Part.Rest -> "ern"
}

fun main() = runBlocking {
    val parts = listOf(Part.First, Part.Rest(from = 1)).map { part -> async { named(part) } }
    val word = Word(parts.map { it.await() }.joinToString(""))
    assertEquals(listOf(0, 1), (0..<Case.entries.size).toList())
    println(word.text)
}
