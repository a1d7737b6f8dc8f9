#include <stdio.h>
#include <unistd.h>

int main(void)
{
    for (int number = 1; number <= 5; number++) {
        printf("%d\n", number);
        usleep(400 * 1000);
    }
    return 0;
}
