pub fn text() -> &'static str {
    "two"
}
