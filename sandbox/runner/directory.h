/* directory: how a directory is opened and what the kernel says of its entries. */
#ifndef DIRECTORY_H
#define DIRECTORY_H

#include <fcntl.h>
#include <stdbool.h>
#include <sys/types.h>

enum { DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

/* What getdents64 fills in; the C library has it only behind an allocating interface. */
struct entry {
    ino64_t inode;
    off64_t offset;
    unsigned short size;
    unsigned char type;
    char name[];
};

static inline bool is_dots(const char *name)
{
    return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

#endif
