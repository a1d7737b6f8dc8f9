fun main() {

    undeclared()
}
