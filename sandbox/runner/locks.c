/* locks: see locks.h for the theory of operation. */
#define _GNU_SOURCE
#include "locks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    /* About 6 MB of the kernel's memory. SQLite holds three or four for each connection. */
    MAX_LOCKS = 32 * 1024,
    /* To read a full list takes the runner milliseconds, and a program that is refused may ask again at once. */
    REFUSALS_A_COUNT = 4096,
};

static int list = -1;
static unsigned allowed = MAX_LOCKS;
static unsigned refusals;

void locks_open(void)
{
    list = open("/proc/locks", O_RDONLY | O_CLOEXEC);
}

void locks_restart(void)
{
    allowed = MAX_LOCKS;
    refusals = 0;
}

/* The kernel lists what processes of this container hold. Where there is no list, they hold too many. */
static unsigned count_held(void)
{
    static char lines[1 << 14];
    unsigned count = 0;
    ssize_t got = -1;
    if (lseek(list, 0, SEEK_SET) < 0)
        return MAX_LOCKS;
    while (count < MAX_LOCKS && (got = read(list, lines, sizeof(lines))) > 0)
        for (ssize_t i = 0; i < got; i++)
            count += lines[i] == '\n';
    return got < 0 || count > MAX_LOCKS ? MAX_LOCKS : count;
}

static bool may_lock(void)
{
    if (allowed == 0 && refusals % REFUSALS_A_COUNT == 0)
        allowed = MAX_LOCKS - count_held();
    if (allowed == 0) {
        refusals++;
        return false;
    }
    refusals = 0;
    allowed--;
    return true;
}

/* The kernel writes what it knows of a call: newer ones might write more than this was compiled for. */
static union {
    struct seccomp_notif call;
    char room[512];
} received;

static union {
    struct seccomp_notif_resp answer;
    char room[512];
} reply;

static void send_reply(int listener, int error, unsigned flags)
{
    memset(&reply, 0, sizeof(reply));
    reply.answer.id = received.call.id;
    reply.answer.error = -error;
    reply.answer.flags = flags;
    /* Kernels before 5.5 can only refuse. Whoever asked may have been killed since. */
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply) && errno == EINVAL && flags)
        send_reply(listener, ENOLCK, 0);
}

void locks_answer(int listener)
{
    memset(&received, 0, sizeof(received));
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &received))
        return;
    if (may_lock())
        send_reply(listener, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
    else
        send_reply(listener, ENOLCK, 0);
}
