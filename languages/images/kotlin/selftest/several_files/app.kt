package app

import lib.three
import two

fun main() {
    println("one")
    println(two())
    println(three())
}
