#include <stdio.h>
#include "text.h"

int main(void)
{
    puts(text());
    return 0;
}
