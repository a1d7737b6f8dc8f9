func two() -> String {
    "two"
}
