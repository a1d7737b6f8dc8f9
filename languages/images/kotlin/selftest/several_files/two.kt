fun two() = "two"

fun main() {
    println("this is not the file that was to be started")
}
