#include <stdlib.h>
#include <string.h>

/* Where it is seen from elsewhere, no compiler may leave it out. */
char *volatile kept;

int main(void)
{
    for (;;) {
        kept = malloc(1000000);
        memset(kept, 1, 1000000);
    }
}
