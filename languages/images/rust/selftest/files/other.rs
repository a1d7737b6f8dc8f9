pub fn text() -> &'static str {
    "from another file"
}
