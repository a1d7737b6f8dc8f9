#include <stdio.h>

int main(void)
{
    puts("started");
    for (volatile int i = 0;; i++)
        ;
}
