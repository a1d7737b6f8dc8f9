#include <stdio.h>

int main(void)
{
    int answer = 42;
    printf("The answer is %d\n", anwser);
    return 0;
}
