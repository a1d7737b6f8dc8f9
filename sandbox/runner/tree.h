/*
 * tree: the directories that a program can write to, and the files that a job puts there.
 *
 * Theory of operation: every directory is opened once, at the start, and from then on reached through that descriptor.
 * Below it a name is walked one component at a time with O_NOFOLLOW, so a symbolic link that a program left is refused
 * and never followed. The wipe goes down into a directory that is not empty and up again through "..", with one
 * descriptor and no recursion; that is safe because it runs when no process but the runner is left that could move
 * anything. It ends when a whole pass over the top finds no entry, which is also the proof that it is empty. A file
 * that may replace what is there makes its way by the same: what has its name, or a directory's on the way to it, goes
 * first.
 */
#ifndef TREE_H
#define TREE_H

#include "frames.h"

#include <stdbool.h>
#include <sys/types.h>

struct tree {
    int fd;
    uid_t uid;
    gid_t gid;
    mode_t mode;
};

/* Each returns NULL, or what could not be done; errno says why. */
const char *tree_open(struct tree *tree, const char *path);
const char *tree_restore(const struct tree *tree);
const char *tree_wipe(const struct tree *tree, int64_t deadline_us);
/* The deadline is for what has to go where the file replaces it. */
const char *tree_write(const struct tree *tree, const struct file_frame *file, int64_t deadline_us);

#endif
