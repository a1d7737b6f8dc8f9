three() {
    echo three
}
