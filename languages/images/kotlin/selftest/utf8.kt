fun main() {
    println("żółć, 中文 🚀")
    println(readLine())
}
