package lib

class Three {
    static String text() {
        'three'
    }
}
