/* walk: see walk.h for the theory of operation. */
#define _GNU_SOURCE
#include "walk.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool push(struct walk *walk, int fd, size_t prefix)
{
    if (fd < 0)
        return false;
    walk->levels[walk->depth++] = (struct level){.fd = fd, .prefix = prefix};
    walk->at = walk->length = 0;
    return true;
}

static void pop(struct walk *walk)
{
    close(walk->levels[--walk->depth].fd);
    walk->at = walk->length = 0;
}

bool walk_begin(struct walk *walk, int top)
{
    walk->depth = 0;
    walk->entries = 0;
    walk->cut = false;
    return push(walk, openat(top, ".", DIRECTORY), 0);
}

void walk_end(struct walk *walk)
{
    while (walk->depth > 0)
        pop(walk);
}

/* The level's next entry, NULL after the last. What was read before its directories were gone into is read again. */
static struct entry *next_entry(struct walk *walk, struct level *level)
{
    if (walk->at == walk->length) {
        walk->at = 0;
        walk->length = -1;
        if (lseek(level->fd, level->offset, SEEK_SET) < 0)
            return NULL;
        walk->length = syscall(SYS_getdents64, level->fd, walk->batch, sizeof(walk->batch));
        if (walk->length <= 0)
            return NULL;
    }
    struct entry *entry = (struct entry *)(walk->batch + walk->at);
    walk->at += entry->size;
    level->offset = entry->offset;
    return entry;
}

static int look_at(struct walk *walk, const struct level *level, const char *name, struct found *found)
{
    size_t length = strlen(name);
    if (length > MAX_COMPONENT_BYTES || level->prefix + length >= sizeof(walk->path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(walk->path + level->prefix, name, length + 1);
    found->parent = level->fd;
    found->depth = walk->depth - 1;
    found->path = walk->path;
    found->name = walk->path + level->prefix;
    return fstatat(level->fd, name, &found->status, AT_SYMLINK_NOFOLLOW) ? -1 : 1;
}

int walk_next(struct walk *walk, struct found *found)
{
    while (walk->depth > 0) {
        struct level *level = &walk->levels[walk->depth - 1];
        struct entry *entry = next_entry(walk, level);
        if (!entry) {
            /* The kernel's word for the end is no error. */
            int result = walk->length < 0 ? -1 : 0;
            pop(walk);
            if (result)
                return result;
            continue;
        }
        if (is_dots(entry->name))
            continue;
        if (++walk->entries > WALK_ENTRIES) {
            walk->cut = true;
            walk_end(walk);
            return 0;
        }
        return look_at(walk, level, entry->name, found);
    }
    return 0;
}

bool walk_enter(struct walk *walk, const struct found *found)
{
    size_t length = strlen(walk->path);
    if (walk->depth == WALK_DEPTH || length + 1 >= sizeof(walk->path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (!push(walk, openat(found->parent, found->name, DIRECTORY), length + 1))
        return false;
    walk->path[length] = '/';
    return true;
}
