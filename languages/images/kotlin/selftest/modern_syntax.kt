sealed class Part(val text: String) {
    object First : Part("mod")
    data class Rest(val from: Int) : Part("ern")
}

inline class Word(val text: String)

fun named(part: Part) = when (val found = part) {
    is Part.First -> found.text
    is Part.Rest -> found.text.also { check(found.from == 1) }
}

fun main() {
    val parts = sequenceOf(Part.First, Part.Rest(from = 1)).map(::named)
    println(Word(parts.joinToString("")).text)
}
