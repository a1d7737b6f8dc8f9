/*
 * meter: how much CPU time and memory a step's processes have used.
 *
 * Theory of operation: a container is one control group, and the kernel counts there for all its processes, the dead
 * ones too. The files are opened once and read again with pread. The runner's own time is taken off, so the difference
 * between two readings is the program's, and since nothing else runs between steps, the reading at the end of one step
 * is the start of the next. Where no control group is to be read (gVisor), the times of reaped processes and a walk
 * over /proc have to do. Both versions of control groups are known.
 */
#ifndef METER_H
#define METER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

struct meter {
    int64_t cpu_us;
    int64_t reaped_cpu_us;
    uint64_t oom_kills;
    uint64_t peak_bytes;
    uint64_t largest_bytes;
};

/* Opens the control group's counters, and, in whichever network its programs will be, that of the sockets. */
void meter_open(void);
void meter_open_sockets(void);

/* Adds a process that was reaped. */
void meter_reaped(struct meter *meter, const struct rusage *usage);

/* CPU time since the step's start, of the living and the dead. */
int64_t meter_cpu_us(const struct meter *meter);

/* Whether the out-of-memory killer was there since the step's start. */
bool meter_oom(const struct meter *meter);

/* The most memory that was used in the step. */
uint64_t meter_peak_bytes(const struct meter *meter);

/* Whether sockets have to be counted, because the kernel does not charge the container for what lies in them. */
bool meter_watches_sockets(void);

/* How many sockets there are in the container now. */
uint64_t meter_sockets(void);

/* Whether memory has to be looked at, because the kernel counts it and limits nothing (gVisor). */
bool meter_watches_memory(void);

/* How much memory the container has now. */
uint64_t meter_memory_bytes(struct meter *meter);

/*
 * Where memory has to be looked at: wait until that of processes which have ended is back, but for so much that files
 * hold. gVisor gives it back a while later, and would have the next program pay for it. Not for long: what is still
 * there then is held by something else.
 */
void meter_await_memory(uint64_t held_bytes);

/* The step is over: the next one counts from here. */
void meter_restart(struct meter *meter);

#endif
