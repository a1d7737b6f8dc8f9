/*
 * processes: everything that runs in the container beside the runner, and how it is ended.
 *
 * Theory of operation: as process 1 the runner is the parent of whatever loses its own, so it can reap every process
 * and see that none is left. kill(-1) reaches all processes at once, but not those that are being made in this moment:
 * it is repeated until the kernel says that there is nobody. Where an interpreter that was started ahead waits
 * here (forkserver.h), it is spared: the runner kills with the program's user then, who has no right to signal the
 * server's.
 *
 * A program that met a limit of time may say first what it holds back in a buffer: who catches WARNING gets it a moment
 * before the end, as flush.c does for programs on the C library's streams. SIGXCPU would be the system's word for it,
 * but some runtimes print a message of their own then.
 */
#ifndef PROCESSES_H
#define PROCESSES_H

#include "forkserver.h"
#include "launch.h"
#include "meter.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* SIGRTMAX, which no usual runtime does anything of its own on. */
enum { WARNING = 64 };

/* The step's own process; pid is 0 where no step runs. */
struct main_process {
    pid_t pid;
    bool gone;
    int status;
    int64_t ended_us;
};

struct processes {
    struct account account;
    struct forkserver server;
    struct main_process main;
    struct meter meter;
    int signals;
};

/* Reaps whoever has ended, strangers' orphans too. False when no child is left. */
bool processes_reap(struct processes *processes);

/* Whether the runner, and the fork server where one waits, are all that there is. */
bool processes_alone(const struct processes *processes);

/* The same by who makes cells, where none is: whether there is nobody but process 1, itself and this one. */
bool processes_alone_with(pid_t server);

/* Tells those who catch it that they are about to be killed. False where nobody does. */
bool processes_warn(const struct processes *processes);

/* Kills and reaps until that is so. Dies where it cannot be reached; ends the container on SIGTERM. */
void processes_end(struct processes *processes);

#endif
