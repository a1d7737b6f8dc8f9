import kotlin.system.exitProcess

fun main() {
    print("y".repeat(500000))
    exitProcess(0)
}
