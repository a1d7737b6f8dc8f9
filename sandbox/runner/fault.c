/* fault: see fault.h. */
#define _GNU_SOURCE
#include "fault.h"

#include "clock.h"
#include "frames.h"
#include "queue.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* PROTOCOL.md: after `!` the runner has a second to be heard. */
enum { FAULT_LIMIT_MS = 1000 };

_Noreturn void end_container(int code)
{
    kill(-1, SIGKILL);
    _exit(code);
}

_Noreturn void die(const char *what)
{
    char text[512];
    int64_t deadline_us = monotonic_us() + FAULT_LIMIT_MS * 1000;
    snprintf(text, sizeof(text), errno ? "%s: %s" : "%s", what, strerror(errno));
    fprintf(stderr, "runner: %s\n", text);
    queue_add(put_fault(queue_room_for_frame(), text));
    while (queue_flush() && !queue_is_empty() && monotonic_us() < deadline_us)
        poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, FAULT_LIMIT_MS);
    end_container(1);
}

_Noreturn void refuse(const char *what)
{
    errno = 0;
    die(what);
}

void must(const char *failed)
{
    if (failed)
        die(failed);
}
