/*
 * cell: a sandbox within the container that is made for one job and ends with it.
 *
 * Theory of operation: while the runner still has the rights of its start, it forks the maker into a user namespace of
 * its own, and gives the rights up as it does without cells. From then on process 1 of the container only waits. The
 * maker has all rights in its user namespace and none outside; it reads nothing and talks to nobody. For each job it
 * clones a process into new namespaces (PID, mount, network, IPC, UTS, control groups) and waits for that to end. This
 * child is process 1 of the cell and becomes the runner that the pool talks to: it mounts a new /proc with the masks of
 * the container's, and empty directories of the sizes of the container's, gives up all that it does not need, as any
 * runner does, and serves one job, or a part of it. At the end it exits, upon which the kernel kills whatever is in its
 * PID namespace; mounts, network and the rest go with the last process. Nothing is wiped because nothing is kept.
 *
 * In the user namespace only three ids have a meaning: root, who outside is a user that nobody else is, the program's,
 * and that of what is started ahead. To files of the image all of them are strangers.
 *
 * The tests of one job have a cell each as well: B ends the cell, and the next one goes on with the same job. It begins
 * from what keep.h has kept, in a file that the maker has opened for this job, which is sealed before the first test.
 * The frames that had come behind the B lie in a second such file.
 *
 * What is started ahead is started once, and waits outside of the cells (forkserver.h). The frame that names it comes
 * to the first cell, before there is anything of a job's. That writes it into a file in memory, seals that, and ends:
 * the maker starts the interpreter, and the next cell takes over whatever had come behind the frame. An interpreter
 * that has ended is started anew between two cells, at growing distances; and so is one that has served for long, since
 * all its forks have one layout of memory.
 */
#ifndef CELL_H
#define CELL_H

#include "forkserver.h"
#include "frames.h"
#include "keep.h"
#include "options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Whether this is one, and whether a job begins in it, or goes on. In a READY one none has begun, and the pool knows
 * that one may.
 */
enum cell { NO_CELL, NEW_JOB, SAME_JOB, READY };

/*
 * Makes a cell and returns in it, as process 1 there, with the number of jobs that were done before; also for each
 * later one. NO_CELL where the kernel or its configuration refuses: then nothing has changed. Call it with all rights
 * of the start, after guard_container() and before anything is opened that is a namespace's own. `signals` is what
 * signals_open() gave.
 */
enum cell cell_enter(const struct options *options, int signals, uint32_t *jobs_done);

/* Ends the cell: its job is over, and the next one may be made. */
_Noreturn void cell_leave(void);

/*
 * Ends the cell: its job goes on in the next one, from what was kept in this file, with the frames that have come
 * already. There cell_take_over() has them; `keep` is NULL where no job has begun.
 */
int cell_file(void);
_Noreturn void cell_move_on(const struct keep *keep, const uint8_t *bytes, size_t length);
void cell_take_over(struct keep *keep, uint8_t *bytes, size_t room, size_t *length);

/* An A frame has come, the first one and before the first job; from the first file on none is kept. */
void cell_keep_ahead(const struct frame *frame);
void cell_close_ahead(void);

/* The same as cell_move_on(), where no job has begun. */
_Noreturn void cell_stay_ready(const uint8_t *bytes, size_t length);

/* What the maker has started ahead, and where calls for locks are answered, or -1. */
const struct forkserver *cell_server(void);
int cell_locks(void);

#endif
