namespace eval lib {
    proc three {} {
        return three
    }
}
