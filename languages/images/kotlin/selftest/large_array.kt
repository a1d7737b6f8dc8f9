fun main() {
    println(IntArray(20_000_000).size)
}
