fun depth(left: Int): Int = if (left == 0) 0 else 1 + depth(left - 1)

fun main() {
    println(depth(200000))
}
