#include <stdio.h>

int main(void)
{
    printf("started\n");
    printf("half a line");
    for (volatile int i = 0;; i++)
        ;
}
