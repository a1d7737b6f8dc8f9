#include "two.h"

const char *two(void)
{
    return "two";
}
