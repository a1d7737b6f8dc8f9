#include <stdio.h>

int main(void)
{
    int count = 0, sum = 0, number;
    while (scanf("%d", &number) == 1) {
        count++;
        sum += number;
    }
    printf("%d numbers, sum %d\n", count, sum);
    return 0;
}
