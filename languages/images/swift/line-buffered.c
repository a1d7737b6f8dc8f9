/* Linked into every program: a line is out when it is complete, so that a crash or a time-out does not swallow it. */
#include <stdio.h>

__attribute__((constructor)) static void line_buffered(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
}
