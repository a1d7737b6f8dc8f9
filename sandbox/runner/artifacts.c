/* artifacts: see artifacts.h for the theory of operation. */
#define _GNU_SOURCE
#include "artifacts.h"

#include "clock.h"
#include "fault.h"
#include "fd.h"
#include "patterns.h"
#include "queue.h"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    /* All that a walk looks at takes a hundredth of this, where no pattern and no name is made to be slow. */
    COLLECT_LIMIT_US = 5 * 1000 * 1000,
    /* Of files that are not taken so many are told. */
    MAX_TOLD = 256,
};

/*
 * The runner's real user stays root, so that it can come back. There is nobody whom a change of users could let signal
 * or trace it: all of the program's processes are gone, and the runner is made unreadable again.
 */
static void become(uid_t uid, gid_t gid, bool group_first)
{
    if ((group_first && syscall(SYS_setresgid, -1, gid, -1)) || syscall(SYS_setresuid, -1, uid, -1) ||
        (!group_first && syscall(SYS_setresgid, -1, gid, -1)))
        end_container(1);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

bool artifacts_begin(struct artifacts *artifacts, const struct frame *frame, int top, const struct account *account)
{
    struct frame copy = {.type = frame->type, .payload = artifacts->payload, .length = frame->length};
    if (frame->length > sizeof(artifacts->payload))
        return false;
    memcpy(artifacts->payload, frame->payload, frame->length);
    if (!parse_collect(&copy, &artifacts->request))
        return false;
    artifacts->collecting = true;
    artifacts->account = *account;
    artifacts->deadline_us = monotonic_us() + COLLECT_LIMIT_US;
    artifacts->taken = artifacts->told = 0;
    artifacts->fd = -1;
    become(account->uid, account->gid, true);
    /* A directory that its own user cannot read has nothing for anybody. */
    (void)walk_begin(&artifacts->walk, top);
    become(0, 0, false);
    return true;
}

static void finish(struct artifacts *artifacts)
{
    walk_end(&artifacts->walk);
    artifacts->collecting = false;
    queue_add(put_collected(queue_room_for_output()));
}

static void say(const struct found *found, enum taken taken)
{
    queue_add(put_artifact(queue_room_for_output(), taken, (uint64_t)found->status.st_size, found->path));
}

static void tell(struct artifacts *artifacts, const struct found *found, enum taken why)
{
    if (artifacts->told++ < MAX_TOLD)
        say(found, why);
}

static bool wanted(const struct artifacts *artifacts, const char *path)
{
    if (strlen(path) > MAX_NAME_BYTES)
        return false;
    for (char *const *pattern = artifacts->request.patterns; *pattern; pattern++)
        if (pattern_fits(*pattern, path))
            return true;
    return false;
}

static bool is_named(const struct artifacts *artifacts, const char *path)
{
    for (char *const *pattern = artifacts->request.patterns; *pattern; pattern++)
        if (strcmp(*pattern, path) == 0)
            return true;
    return false;
}

/* Directories have no second names, and what has one name only cannot have been met before. */
static bool came_already(const struct artifacts *artifacts, const struct stat *status)
{
    for (unsigned i = 0; status->st_nlink > 1 && i < artifacts->taken; i++)
        if (artifacts->inodes[i] == status->st_ino)
            return true;
    return false;
}

static void take(struct artifacts *artifacts, const struct found *found)
{
    uint64_t size = (uint64_t)found->status.st_size;
    artifacts->fd = openat(found->parent, found->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (artifacts->fd < 0) {
        tell(artifacts, found, NOT_REGULAR);
        return;
    }
    artifacts->inodes[artifacts->taken++] = found->status.st_ino;
    artifacts->left = size;
    artifacts->request.max_bytes -= size;
    say(found, TAKEN);
}

static void judge(struct artifacts *artifacts, const struct found *found)
{
    if (!S_ISREG(found->status.st_mode))
        tell(artifacts, found, NOT_REGULAR);
    else if (came_already(artifacts, &found->status))
        return;
    else if (artifacts->taken == artifacts->request.max_files)
        tell(artifacts, found, TOO_MANY);
    else if ((uint64_t)found->status.st_size > artifacts->request.max_bytes)
        tell(artifacts, found, TOO_LARGE);
    else
        take(artifacts, found);
}

static void look_at_next(struct artifacts *artifacts)
{
    struct found found;
    int next = walk_next(&artifacts->walk, &found);
    if (next == 0 || monotonic_us() > artifacts->deadline_us) {
        finish(artifacts);
        return;
    }
    if (next < 0 || !is_utf8(found.path))
        return;
    if (!S_ISDIR(found.status.st_mode)) {
        if (wanted(artifacts, found.path))
            judge(artifacts, &found);
        return;
    }
    if (is_named(artifacts, found.path))
        tell(artifacts, &found, NOT_REGULAR);
    (void)walk_enter(&artifacts->walk, &found);
}

static void read_on(struct artifacts *artifacts)
{
    uint8_t *chunk = queue_room_for_output();
    size_t size = artifacts->left < MAX_OUTPUT_CHUNK ? (size_t)artifacts->left : MAX_OUTPUT_CHUNK;
    if (size == 0) {
        close_fd(&artifacts->fd);
        return;
    }
    ssize_t length = read(artifacts->fd, chunk + HEADER_BYTES, size);
    if (length < 0)
        die("read an artifact");
    if (length == 0)
        refuse("an artifact that became shorter");
    queue_add(put_artifact_data(chunk, (size_t)length));
    artifacts->left -= (uint64_t)length;
}

void artifacts_go_on(struct artifacts *artifacts)
{
    become(artifacts->account.uid, artifacts->account.gid, true);
    while (artifacts->collecting && queue_has_room_for_output())
        if (artifacts->fd >= 0)
            read_on(artifacts);
        else
            look_at_next(artifacts);
    become(0, 0, false);
}
