#include <stdio.h>

static int depth(int left)
{
    volatile int one = 1;
    return left == 0 ? 0 : one + depth(left - 1);
}

int main(void)
{
    printf("%d\n", depth(200000));
}
