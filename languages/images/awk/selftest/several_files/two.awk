function two() {
    return "two"
}
