#include <stdio.h>

int main(void)
{
    int number;
    if (scanf("%d", &number) != 1)
        return 1;
    if (number % 15 == 0)
        puts("FizzBuzz");
    else if (number % 3 == 0)
        puts("Fizz");
    else if (number % 5 == 0)
        puts("Buzz");
    else
        printf("%d\n", number);
    return 0;
}
