two() {
    echo two
}
