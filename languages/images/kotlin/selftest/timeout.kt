fun main() {
    println("started")
    while (true) {
    }
}
