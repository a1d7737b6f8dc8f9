package other

fun text() = "from another file"
