pub fn text() -> &'static str {
    "three"
}
