class Shapes {
    static int squared(int side) {
        return side * side;
    }
}
