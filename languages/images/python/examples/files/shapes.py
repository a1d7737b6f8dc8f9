def squared(side):
    return side * side
