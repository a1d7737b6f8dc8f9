proc two {} {
    return two
}
