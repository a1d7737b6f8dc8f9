/* fd: descriptors that may be none, which is -1. */
#ifndef FD_H
#define FD_H

#include <unistd.h>

static inline void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

#endif
