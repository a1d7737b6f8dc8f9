#include "text.h"

const char *text(void)
{
    return "from another file";
}
