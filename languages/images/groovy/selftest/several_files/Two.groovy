class Two {
    static String text() {
        'two'
    }
}
