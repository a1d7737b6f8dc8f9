func three() -> String {
    "three"
}
