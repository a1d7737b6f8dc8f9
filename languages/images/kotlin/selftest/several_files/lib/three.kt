package lib

fun three() = "three"
