#include "shapes.h"

int squared(int side)
{
    return side * side;
}
