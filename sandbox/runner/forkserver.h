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
 *
 * Where there are cells (cell.h) the server is one for all of them, and waits outside, where no program can see it. Its
 * forks are born in the cell: the runner there sends its namespaces along. For that the server has two rights more, in
 * the user namespace of the cells alone, which its forks give up with the first. It has nothing of a job's: the script
 * that it looked at lies in a directory of its own. Who makes cells starts it, between two of them, and another one
 * where it is gone or has served for long; where it is not there, programs are executed. In what follows "here" means
 * that it is a process beside the runner's programs.
 */
#ifndef FORKSERVER_H
#define FORKSERVER_H

#include "frames.h"
#include "launch.h"
#include "options.h"
#include "preload.h"
#include "tree.h"

#include <stdbool.h>
#include <sys/types.h>

struct forkserver {
    pid_t pid;
    int control;
    bool ready;
    bool lost;
    bool placed;
    /* Of a cell's: the server is outside; what it enters the cell by, once they are open. */
    bool outside;
    int namespaces[NAMESPACES];
};

/*
 * Starts the command of an A frame, whose payload is copied. False for one of the wrong shape. Where nothing can be
 * started, steps start as they do without a server.
 */
bool forkserver_start(struct forkserver *server, uid_t uid, const struct frame *frame, const struct account *account,
                      const struct tree *work);

/* Whether an A frame has the right shape. */
bool forkserver_knows(const struct frame *frame);

/*
 * The same, by who makes cells and for all that it makes: returns when it waits outside of them, or is not there. Call
 * it while there is no cell.
 */
void forkserver_start_outside(struct forkserver *server, const struct options *options, const struct frame *frame);

/* In a cell: takes over what its maker has. */
void forkserver_enter(struct forkserver *server, const struct forkserver *outside);

/* For who makes cells: ends one that is outside, or knows that it has ended. */
void forkserver_dismiss(struct forkserver *server);
void forkserver_forget(struct forkserver *server);

/* Whether it is one of the processes here, where it is to be spared. */
bool forkserver_is_here(const struct forkserver *server);

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
