fun main() {
    var x = 42L
    val numbers = MutableList(1_000_000) {
        x = (x * 1103515245 + 12345) % (1L shl 31)
        x.toInt()
    }
    numbers.sort()
    println("${numbers[0]} ${numbers[500_000]} ${numbers[999_999]}")
}
