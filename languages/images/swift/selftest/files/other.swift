func text() -> String {
    "from another file"
}
