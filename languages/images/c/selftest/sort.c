#include <stdio.h>
#include <stdlib.h>

static long numbers[1000000];

static int compare(const void *a, const void *b)
{
    long x = *(const long *)a, y = *(const long *)b;
    return (x > y) - (x < y);
}

int main(void)
{
    long x = 42;
    for (int i = 0; i < 1000000; i++)
        numbers[i] = x = (x * 1103515245 + 12345) % (1L << 31);
    qsort(numbers, 1000000, sizeof *numbers, compare);
    printf("%ld %ld %ld\n", numbers[0], numbers[500000], numbers[999999]);
    return 0;
}
