/*
 * guard: what the runner gives up before anybody's program can run.
 *
 * Theory of operation: the container is started with two rights more than a run needs. SYS_ADMIN and NET_ADMIN are
 * there so that the runner can leave the holder's network namespace for an empty one of its own, which is far cheaper
 * than letting Docker make one. Having them, it also parts with what containers share (files, numbers of which the
 * kernel has one for all) and makes /proc read-only. guard_network() and guard_container() do that,
 * guard_capabilities() drops them and all others but the few that changing user, killing and wiping need,
 * guard_profile() ends what an AppArmor profile allowed for it, and guard_system_calls() installs the seccomp filter of
 * filter.c on the runner itself. guard_directories() needs no such right, and holds where the others were not given;
 * guard_priority() needs SYS_NICE, and programs start without what it gave. In gVisor the two rights reach no further
 * than its own kernel; guard_processes() sets there what elsewhere the engine has set.
 *
 * A filter and no_new_privs are inherited and cannot be taken off, so a program has them from its first instruction and
 * its start costs nothing for it. Docker's own profile is the wider one because of SYS_ADMIN; the filter closes what
 * that opened.
 */
#ifndef GUARD_H
#define GUARD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Those that return something return NULL, or what could not be done; errno says why. `scratch` is a directory to mount
 * upon for a moment, the home of the program's user; `listener` becomes where locks_answer() finds calls, or -1;
 * `terminal` says whether programs have one; `bytes` is how large a program's stack may grow, 0 for what the engine
 * says.
 */
const char *guard_network(const char *scratch);
const char *guard_capabilities(void);
const char *guard_system_calls(int *listener, bool terminal);
/* The same in two parts: for who makes cells, and what comes to it in a cell. */
const char *guard_maker_calls(int *listener);
const char *guard_cell_calls(void);
const char *guard_limits(void);
const char *guard_stack(uint64_t bytes);
const char *guard_profile(void);
/* Whether there was a profile to add to. */
bool guard_is_confined(void);
/* Drops all from the bounding set but what the runner keeps, and these. */
void guard_bounding(uint64_t more);
/* In a cell, whose procfs can be written still. */
const char *guard_cell(void);
/* Hides what the control group has counted. False where anything of it can still be read. */
bool guard_counters(void);
void guard_container(const char *scratch, uid_t uid, gid_t gid, bool terminal);
void guard_directories(void);
void guard_priority(void);
void guard_processes(unsigned count);

#endif
