class App {
    companion object {
        @JvmStatic
        fun main(arguments: Array<String>) {
            println("right")
        }
    }
}
