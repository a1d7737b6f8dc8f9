/* keep: see keep.h for the theory of operation. */
#define _GNU_SOURCE
#include "keep.h"

#include "clock.h"
#include "fd.h"
#include "walk.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <unistd.h>

enum {
    PAGE_BYTES = 4096,
    /* Rights and nothing else: no set-user-id, which the mount ignores anyway. */
    RIGHTS = 0777,
};

struct record {
    uint64_t size;
    struct timespec changed;
    uint32_t mode;
    uint16_t depth;
    uint16_t name_length;
};

/* Too large for the stack. */
static struct walk walk;

static bool add(const struct keep *keep, const void *bytes, size_t size)
{
    return write(keep->fd, bytes, size) == (ssize_t)size;
}

static bool copy_all(int to, int from, uint64_t size)
{
    while (size > 0) {
        ssize_t copied = sendfile(to, from, NULL, size);
        if (copied == 0)
            errno = EIO;
        if (copied <= 0)
            return false;
        size -= (uint64_t)copied;
    }
    return true;
}

static bool add_content(const struct keep *keep, const struct found *found, uint64_t size)
{
    int fd = openat(found->parent, found->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool added = copy_all(keep->fd, fd, size);
    int reason = errno;
    close(fd);
    errno = reason;
    return added;
}

/* Counted as it will be stored: a page for what is smaller. */
static bool has_room(struct keep *keep, uint64_t size)
{
    errno = EFBIG;
    if (size > keep->room || keep->room - size < keep->needed + PAGE_BYTES)
        return false;
    keep->needed += (size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    return true;
}

static bool add_found(struct keep *keep, const struct found *found)
{
    char target[PATH_MAX];
    struct record record = {
        .changed = found->status.st_mtim,
        .mode = found->status.st_mode,
        .depth = (uint16_t)found->depth,
        .name_length = (uint16_t)strlen(found->name),
    };
    if (S_ISREG(record.mode))
        record.size = (uint64_t)found->status.st_size;
    if (S_ISLNK(record.mode)) {
        ssize_t length = readlinkat(found->parent, found->name, target, sizeof(target));
        if (length < 0)
            return false;
        record.size = (uint64_t)length;
    }
    if (!has_room(keep, record.size) || !add(keep, &record, sizeof(record)) ||
        !add(keep, found->name, record.name_length))
        return false;
    if (S_ISREG(record.mode))
        return add_content(keep, found, record.size);
    return S_ISLNK(record.mode) ? add(keep, target, record.size) : walk_enter(&walk, found);
}

int keep_file(void)
{
    return memfd_create("kept", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

static bool begin(struct keep *keep, int fd, const struct tree *work)
{
    struct statfs system;
    *keep = (struct keep){.fd = fd};
    if (keep->fd < 0 || fstatfs(work->fd, &system))
        return false;
    keep->room = (uint64_t)system.f_blocks * (uint64_t)system.f_bsize;
    return true;
}

static bool add_tree(struct keep *keep, const struct tree *tree)
{
    static const struct record END;
    struct found found;
    int next;
    if (!walk_begin(&walk, tree->fd))
        return false;
    while ((next = walk_next(&walk, &found)) > 0) {
        mode_t kind = found.status.st_mode & S_IFMT;
        if (kind != S_IFREG && kind != S_IFDIR && kind != S_IFLNK)
            continue;
        if (!add_found(keep, &found))
            break;
    }
    int reason = walk.cut ? E2BIG : errno;
    walk_end(&walk);
    errno = reason;
    return next == 0 && !walk.cut && add(keep, &END, sizeof(END));
}

const char *keep_trees(struct keep *keep, int fd, const struct tree *trees, int count)
{
    if (!begin(keep, fd, &trees[0]))
        return "begin to keep files";
    for (int i = 0; i < count; i++)
        if (!add_tree(keep, &trees[i]))
            return "keep files";
    return NULL;
}

static bool give(int fd, const struct account *account, mode_t mode)
{
    return !fchown(fd, account->uid, account->gid) && !fchmod(fd, mode & RIGHTS);
}

static bool make_file(const struct keep *keep, int parent, const char *name, const struct record *record,
                      const struct account *account)
{
    struct timespec times[2] = {record->changed, record->changed};
    int fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool made = copy_all(fd, keep->fd, record->size) && give(fd, account, record->mode) && !futimens(fd, times);
    int reason = errno;
    close(fd);
    errno = reason;
    return made;
}

static bool make_link(const struct keep *keep, int parent, const char *name, const struct record *record,
                      const struct account *account)
{
    char target[PATH_MAX];
    if (record->size >= sizeof(target) || read(keep->fd, target, record->size) != (ssize_t)record->size)
        return false;
    target[record->size] = 0;
    return !symlinkat(target, parent, name) && !fchownat(parent, name, account->uid, account->gid, AT_SYMLINK_NOFOLLOW);
}

/* What comes behind it with a depth of one more is in it, until something else has that depth. */
static bool make_directory(int parent, const char *name, const struct record *record, const struct account *account,
                           int *fd)
{
    close_fd(fd);
    if (mkdirat(parent, name, 0700))
        return false;
    *fd = openat(parent, name, DIRECTORY);
    return *fd >= 0 && give(*fd, account, record->mode);
}

/* 1: made. 0: it was the place's last. -1: an error. */
static int make_next(const struct keep *keep, const struct account *account, int parents[WALK_DEPTH + 1])
{
    char name[MAX_COMPONENT_BYTES + 1];
    struct record record;
    errno = EIO;
    if (read(keep->fd, &record, sizeof(record)) != sizeof(record))
        return -1;
    if (record.mode == 0)
        return 0;
    if (record.depth >= WALK_DEPTH || record.name_length >= sizeof(name) ||
        read(keep->fd, name, record.name_length) != record.name_length)
        return -1;
    name[record.name_length] = 0;
    int parent = parents[record.depth];
    bool made = S_ISREG(record.mode)   ? make_file(keep, parent, name, &record, account)
                : S_ISLNK(record.mode) ? make_link(keep, parent, name, &record, account)
                                       : make_directory(parent, name, &record, account, &parents[record.depth + 1]);
    return made ? 1 : -1;
}

static bool restore_tree(const struct keep *keep, const struct tree *tree, const struct account *account,
                         int64_t deadline_us)
{
    int parents[WALK_DEPTH + 1];
    int next;
    for (int i = 0; i <= WALK_DEPTH; i++)
        parents[i] = -1;
    parents[0] = tree->fd;
    do {
        next = make_next(keep, account, parents);
        if (next > 0 && monotonic_us() > deadline_us) {
            errno = ETIMEDOUT;
            next = -1;
        }
    } while (next > 0);
    int reason = errno;
    for (int i = 1; i <= WALK_DEPTH; i++)
        close_fd(&parents[i]);
    errno = reason;
    return next == 0;
}

const char *keep_restore(const struct keep *keep, const struct tree *trees, int count, const struct account *account,
                         int64_t deadline_us)
{
    if (lseek(keep->fd, 0, SEEK_SET))
        return "rewind what was kept";
    for (int i = 0; i < count; i++)
        if (!restore_tree(keep, &trees[i], account, deadline_us))
            return "restore files";
    return NULL;
}

void keep_drop(struct keep *keep)
{
    close_fd(&keep->fd);
}
