import other.text

fun main() {
    println(text())
}
