/*
 * artifacts: files that a job left behind, on their way to the pool.
 *
 * Theory of operation: the work directory is walked through (walk.h) when nobody is left there but the runner, and with
 * the rights of the program's user, so that nothing is read that it could not read. What is no regular file is never
 * opened. Files come one after the other, each behind its name, as the queue has room for them; in between the runner
 * goes back to its loop. It is bounded in files and bytes by the pool, in what it looks at, tells and takes of time
 * here: what does not come within that does not come, and it is no fault.
 */
#ifndef ARTIFACTS_H
#define ARTIFACTS_H

#include "frames.h"
#include "launch.h"
#include "walk.h"

#include <stdbool.h>
#include <stdint.h>

/* In PROTOCOL.md's order: the number goes into the N frame. */
enum taken { TAKEN, TOO_LARGE, TOO_MANY, NOT_REGULAR };

struct artifacts {
    /* Between the P frame and the end. */
    bool collecting;
    struct account account;
    struct collect_frame request;
    uint8_t payload[MAX_COLLECT_PAYLOAD];
    struct walk walk;
    int64_t deadline_us;

    /* Of those that were taken, which may have several names; and how many were only told. */
    ino_t inodes[MAX_ARTIFACTS];
    unsigned taken;
    unsigned told;

    /* The one that is read, and what is left of it. */
    int fd;
    uint64_t left;
};

/* Takes the request of a P frame, whose payload is copied. False for one of the wrong shape. */
bool artifacts_begin(struct artifacts *artifacts, const struct frame *frame, int top, const struct account *account);

/* As many frames as there is room for, at last C. */
void artifacts_go_on(struct artifacts *artifacts);

#endif
