#include <stdio.h>

#include "shapes.h"

int main(void)
{
    printf("4 squared is %d\n", squared(4));
    return 0;
}
