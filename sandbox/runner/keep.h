/*
 * keep: the places that programs write to as they were at one moment, to be had again.
 *
 * Theory of operation: what they hold is written one after the other to a file in memory that has no name, so no
 * program can reach it, and that the container pays for. A record says what it is, at which depth, and its name; behind
 * it comes a file's content or a link's target, and behind the last of a place a record that is none of those. Read
 * from front to back, it is what has to be made, parents first. Regular files, directories and symbolic links are kept,
 * with the rights of the first two and the time of files; a file of several names becomes several files. What else a
 * compiler may have left is not. Links are never followed, neither way. All together is bounded by the size of the work
 * directory, and each place by what a walk looks at (walk.h).
 */
#ifndef KEEP_H
#define KEEP_H

#include "launch.h"
#include "tree.h"

#include <stdint.h>

struct keep {
    /* -1: nothing is kept. */
    int fd;
    /* What the files and directories take where they are made anew. */
    uint64_t needed;
    /* What there may be of that. */
    uint64_t room;
};

/* An empty one for what is to be kept, or -1. */
int keep_file(void);

/* Each returns NULL, or what could not be done; errno says why. `fd` is such a file, and belongs to `keep` then. */
const char *keep_trees(struct keep *keep, int fd, const struct tree *trees, int count);

/* Into the same ones, which are empty. All of it belongs to the program's user. */
const char *keep_restore(const struct keep *keep, const struct tree *trees, int count, const struct account *account,
                         int64_t deadline_us);

void keep_drop(struct keep *keep);

#endif
