#include <stdio.h>

#include "lib/three.h"
#include "two.h"

int main(void)
{
    puts("one");
    puts(two());
    puts(three());
}
