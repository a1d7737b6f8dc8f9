/*
 * walk: what lies in a directory that strangers have filled.
 *
 * Theory of operation: the caller asks for one entry after the other, and says of each directory whether to go into it.
 * Only names of one component are ever opened, from the directory that they are in and with O_NOFOLLOW; so nothing
 * outside is reached, whatever links there are. It is bounded in depth and in entries, and has one descriptor a level.
 * It runs while no process but the runner's own is left that could move anything.
 */
#ifndef WALK_H
#define WALK_H

#include "directory.h"
#include "frames.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum {
    /* As many components as a file's name in a frame may have. */
    WALK_DEPTH = MAX_COMPONENTS,
    /* A compiler leaves tens of files, a framework hundreds. A look at each of so many takes some 50 ms. */
    WALK_ENTRIES = 10000,
};

struct level {
    int fd;
    /* Up to where its entries have been given out, in the kernel's own words. */
    off64_t offset;
    /* How much of the path is this directory's, with the slash. */
    size_t prefix;
};

struct walk {
    struct level levels[WALK_DEPTH];
    /* 0: it is over. */
    int depth;
    unsigned entries;
    /* There was more than it looks at. */
    bool cut;
    _Alignas(struct entry) char batch[8192];
    long at;
    long length;
    char path[WALK_DEPTH * (MAX_COMPONENT_BYTES + 1)];
};

/* An entry. What the pointers lead to lasts until the next call. */
struct found {
    /* The directory that it is in, and how many lie between that and the top. */
    int parent;
    int depth;
    const char *name;
    /* From the top. */
    const char *path;
    struct stat status;
};

/* False, with errno, where the directory cannot be read. */
bool walk_begin(struct walk *walk, int top);

/* 1: there is one. 0: there is none any more. -1: one that cannot be looked at, errno says why; the walk goes on. */
int walk_next(struct walk *walk, struct found *found);

/* For a directory that was just found: what is in it comes next. False, with errno, where it cannot be. */
bool walk_enter(struct walk *walk, const struct found *found);

/* Lets go of it, at the end or before. */
void walk_end(struct walk *walk);

#endif
