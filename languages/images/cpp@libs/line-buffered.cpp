// Linked into every program: a line is out when it is complete, so that a crash or a time-out does not swallow it.
#include <cstdio>

__attribute__((constructor)) static void line_buffered()
{
    setvbuf(stdout, nullptr, _IOLBF, 0);
}
