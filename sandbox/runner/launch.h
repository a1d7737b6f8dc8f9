/*
 * launch: how a program is started.
 *
 * Theory of operation: the runner stays small and starts programs with vfork, so a start costs no copy of anything and
 * the parent learns at once, through the memory that both share, whether exec went well. The child closes what is not
 * the program's, takes its limits, changes to the program's user, which clears every capability, and execs. The system
 * call filter, no_new_privs and the limits that never change are on the runner already and are inherited.
 */
#ifndef LAUNCH_H
#define LAUNCH_H

#include "frames.h"

#include <stdbool.h>
#include <sys/types.h>

struct account {
    uid_t uid;
    gid_t gid;
};

struct program {
    pid_t pid;
    int in;
    int streams[2];
    /* What all three are, where the program has a terminal; else NULL. */
    const char *terminal;
};

enum launched { LAUNCHED, NOT_FOUND, NOT_EXECUTABLE, LAUNCH_BROKEN };

/* Once, before /proc becomes read-only. Returns NULL, or what could not be done. */
const char *launch_open(void);

/* Opens a file of /proc to write, which can be done past the read-only mount; -1 where it cannot. */
int launch_open_proc(const char *path);

/* How many processors the container may use at once; at least 1. */
int launch_processors(void);

/*
 * RLIMIT_CPU of each of a step's processes: a little above what the step may use, for what the runner cannot stop
 * because it does not get to run itself.
 */
uint64_t launch_cpu_seconds(const struct step_frame *step);

/* Starts a step in the directory that `work` is open on. For all but LAUNCHED, errno says why. */
enum launched launch(const struct step_frame *step, const struct account *account, int work, struct program *program);

/*
 * A step's streams: the runner's ends in `program`, the program's in `given`. Where stderr is merged, the runner has no
 * end of it. False, with errno, where it failed.
 */
bool launch_open_streams(struct program *program, int given[3], const struct account *account, bool merged);
void launch_close_streams(struct program *program);

/* For a child: executes the command, searching PATH as a shell does. Returns only when that failed, with errno. */
void launch_exec(char *const *argv, char *const *envp);

/* For a child: whoever ends for want of memory, it shall be this one. */
void launch_offer_to_oom_killer(void);

#endif
