/* tree: see tree.h for the theory of operation. */
#define _GNU_SOURCE
#include "tree.h"

#include "clock.h"
#include "directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

const char *tree_open(struct tree *tree, const char *path)
{
    tree->fd = open(path, DIRECTORY);
    return tree->fd < 0 ? path : NULL;
}

/* An access list, above all a default one, would be handed down to the next job's files. */
static void drop_attributes(int fd)
{
    char names[4096];
    ssize_t length = flistxattr(fd, names, sizeof(names));
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1)
        fremovexattr(fd, names + at);
}

const char *tree_restore(const struct tree *tree)
{
    struct stat now;
    drop_attributes(tree->fd);
    if (fstat(tree->fd, &now))
        return "look at a directory";
    if ((now.st_uid != tree->uid || now.st_gid != tree->gid) && fchown(tree->fd, tree->uid, tree->gid))
        return "take a directory over";
    if ((now.st_mode & 07777) != tree->mode && fchmod(tree->fd, tree->mode))
        return "set a directory's mode";
    return NULL;
}

/* 1: removed. 0: a directory that is not empty. -1: an error. */
static int remove_entry(int fd, const char *name)
{
    if (!unlinkat(fd, name, 0))
        return 1;
    if (errno != EISDIR && errno != EPERM)
        return -1;
    if (!unlinkat(fd, name, AT_REMOVEDIR))
        return 1;
    return errno == ENOTEMPTY || errno == EEXIST ? 0 : -1;
}

static bool past(int64_t deadline_us)
{
    errno = ETIMEDOUT;
    return monotonic_us() > deadline_us;
}

/* Empties a directory until it meets one inside that is not empty; opens that. -1: empty now. -2: an error. */
static int empty_level(int fd, bool *found, int64_t deadline_us)
{
    static _Alignas(struct entry) char batch[8192];
    long length;
    *found = false;
    while ((length = syscall(SYS_getdents64, fd, batch, sizeof(batch))) > 0) {
        if (past(deadline_us))
            return -2;
        for (long at = 0; at < length;) {
            struct entry *entry = (struct entry *)(batch + at);
            at += entry->size;
            if (is_dots(entry->name))
                continue;
            *found = true;
            int removed = remove_entry(fd, entry->name);
            if (removed < 0)
                return -2;
            if (removed == 0) {
                int child = openat(fd, entry->name, DIRECTORY);
                return child < 0 ? -2 : child;
            }
        }
    }
    return length < 0 ? -2 : -1;
}

static int step_to(int next, int *fd, int top)
{
    if (*fd != top)
        close(*fd);
    *fd = next;
    return next < 0 ? -1 : 0;
}

const char *tree_wipe(const struct tree *tree, int64_t deadline_us)
{
    int fd = tree->fd;
    long depth = 0;
    for (;;) {
        bool found;
        if (fd == tree->fd && lseek(fd, 0, SEEK_SET))
            return "rewind a directory";
        int next = empty_level(fd, &found, deadline_us);
        if (next == -2) {
            step_to(-1, &fd, tree->fd);
            return "empty a directory";
        }
        if (next >= 0) {
            depth++;
        } else if (depth == 0) {
            if (!found)
                return NULL;
            continue;
        } else {
            next = --depth == 0 ? tree->fd : openat(fd, "..", DIRECTORY);
        }
        if (step_to(next, &fd, tree->fd))
            return "go through a directory";
    }
}

/* Whatever has this name goes, a directory with all that is in it. */
static bool make_way(int fd, const char *name, int64_t deadline_us)
{
    int removed = remove_entry(fd, name);
    if (removed != 0)
        return removed > 0;
    struct tree in_the_way = {.fd = openat(fd, name, DIRECTORY)};
    if (in_the_way.fd < 0)
        return false;
    const char *failed = tree_wipe(&in_the_way, deadline_us);
    int reason = errno;
    close(in_the_way.fd);
    errno = reason;
    return !failed && !unlinkat(fd, name, AT_REMOVEDIR);
}

static int enter(int fd, const char *name, const struct tree *tree, int64_t replace_by_us)
{
    int child = openat(fd, name, DIRECTORY);
    if (child >= 0)
        return child;
    bool in_the_way = errno == ENOTDIR || errno == ELOOP;
    if (errno != ENOENT && !(in_the_way && replace_by_us && make_way(fd, name, replace_by_us)))
        return -1;
    if (mkdirat(fd, name, 0755))
        return -1;
    child = openat(fd, name, DIRECTORY);
    if (child >= 0 && fchown(child, tree->uid, tree->gid)) {
        close(child);
        return -1;
    }
    return child;
}

/* Opens the directory that the name's last component is in, and leaves that component in *name. */
static int enter_parents(const struct tree *tree, char **name, int64_t replace_by_us)
{
    int fd = tree->fd;
    for (char *slash; (slash = strchr(*name, '/')); *name = slash + 1) {
        *slash = 0;
        if (step_to(enter(fd, *name, tree, replace_by_us), &fd, tree->fd))
            return -1;
    }
    return fd;
}

static int open_file(int fd, const char *name, bool append, int64_t replace_by_us)
{
    /* O_NONBLOCK: a program may have left a FIFO of that name. */
    int how = O_WRONLY | O_NOFOLLOW | O_CLOEXEC | (append ? O_APPEND | O_NONBLOCK : O_CREAT | O_EXCL);
    int opened = openat(fd, name, how, 0600);
    if (opened >= 0 || errno != EEXIST || !replace_by_us || !make_way(fd, name, replace_by_us))
        return opened;
    return openat(fd, name, how, 0600);
}

static const char *write_all(int fd, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0)
            return "write a file";
        bytes += written;
        length -= (size_t)written;
    }
    return NULL;
}

static const char *fill(int fd, const struct tree *tree, const struct file_frame *file)
{
    struct stat now;
    if (fstat(fd, &now))
        return "look at a file";
    if (!S_ISREG(now.st_mode) || now.st_nlink != 1) {
        errno = EINVAL;
        return "append to what is not a file";
    }
    const char *failed = write_all(fd, file->content, file->content_length);
    if (failed)
        return failed;
    if (fchown(fd, tree->uid, tree->gid))
        return "hand a file over";
    return fchmod(fd, file->executable ? 0755 : 0644) ? "set a file's mode" : NULL;
}

const char *tree_write(const struct tree *tree, const struct file_frame *file, int64_t deadline_us)
{
    /* 0: nothing is replaced. */
    int64_t replace_by_us = file->replace ? deadline_us : 0;
    char path[MAX_NAME_BYTES + 1];
    char *name = path;
    strcpy(path, file->name);
    int parent = enter_parents(tree, &name, replace_by_us);
    if (parent < 0)
        return "make a directory";
    int fd = open_file(parent, name, file->append, replace_by_us);
    int reason = errno;
    if (parent != tree->fd)
        close(parent);
    errno = reason;
    if (fd < 0)
        return file->append ? "open a file" : "make a file";
    const char *failed = fill(fd, tree, file);
    reason = errno;
    close(fd);
    errno = reason;
    return failed;
}
