function text() {
    return "from another file"
}
