class Other {
    static String text() {
        "from another file"
    }
}
