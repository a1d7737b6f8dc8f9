/*
 * forkserver: an interpreter that was started before its program arrived.
 *
 * Theory of operation: most of what a short program costs is its interpreter's start, and that start is the same every
 * time. So the pool may name, before the first job, the command and the script that steps will run. The runner starts
 * that command with preload.so in front of its C library, and with an empty file for the script, which interpreters
 * look at before they open it. When it comes to be opened, preload.c takes over inside it: it says that it is ready and
 * waits. For each step that has the same command and environment it forks, and the child becomes the program: it takes
 * the step's streams and limits, changes to the program's user, gives up what it had for that, and only then goes on to
 * open the script. Whatever the script says runs in a process that is as unprivileged as one that was executed.
 *
 * The server itself never runs a line of a job. It has a user of its own and CAP_SETUID, by which its children change
 * to the program's; programs can neither trace nor signal it, and when it is gone before its time the container is not
 * used again. No file of a job is written before it waits or is gone, so that an interpreter that opens its script by
 * another way than preload.c knows finds nothing in it.
 */
#ifndef FORKSERVER_H
#define FORKSERVER_H

#include "frames.h"
#include "launch.h"
#include "tree.h"

#include <stdbool.h>
#include <sys/types.h>

struct forkserver {
    pid_t pid;
    int control;
    bool ready;
    bool lost;
    bool placed;
};

/*
 * Starts the command of an A frame, whose payload is copied. False for one of the wrong shape. Where nothing can be
 * started, steps start as they do without a server.
 */
bool forkserver_start(struct forkserver *server, uid_t uid, const struct frame *frame, const struct account *account,
                      const struct tree *work);

/*
 * Waits a while for it to be ready for steps. Call it before a job's first file; where it returns true, the work
 * directory has to be wiped, and where the server is not ready, or not the only process, everything has to be ended.
 */
bool forkserver_await(struct forkserver *server);

/* Starts a step as a fork. False where the server is not there, not of this command, or could not: launch it then. */
bool forkserver_launch(struct forkserver *server, const struct step_frame *step, const struct account *account,
                       struct program *program);

/* It was reaped. */
void forkserver_reaped(struct forkserver *server);

#endif
