inline int squared(int side)
{
    return side * side;
}
