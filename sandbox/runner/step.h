/*
 * step: the life of one program, from its start to the result that the pool is told.
 *
 * Theory of operation: a step is RUNNING until its main process has ended or it met a limit. step_watch() finds that
 * out and kills everything that is left, after a limit of time a moment later where somebody catches the warning
 * (processes.h); then the step is DRAINING: what is still in its pipes is delivered as the
 * queue has room, and behind it goes the result. DRAINING never waits for a pipe: everybody who could write to one is
 * gone, so a pipe that is empty stays empty. The first reason to end counts, and the numbers of the result are taken
 * when the last process is reaped.
 */
#ifndef STEP_H
#define STEP_H

#include "frames.h"
#include "launch.h"
#include "processes.h"
#include "stdin.h"

#include <stdbool.h>
#include <stdint.h>

enum phase { IDLE, RUNNING, DRAINING };
/* In PROTOCOL.md's order: the number goes into the X frame. */
enum reason { EXITED, SIGNALED, WALL, CPU, MEMORY, OUTPUT, KILLED, NOT_STARTED };

struct step {
    /* Set once, before the first step. */
    struct processes *processes;
    struct stdin_ring *input;
    int processors;

    enum phase phase;
    struct program program;
    bool ahead;
    /* Who catches it has been told that the time is over, and the reason is decided. */
    bool warned;
    enum reason reason;
    uint64_t output_left[2];
    bool cut[2];
    int64_t started_us;
    int64_t deadline_us;
    int64_t end_us;
    int64_t cpu_limit_us;
    int64_t cpu_check_us;
    int64_t socket_check_us;
    /* Until when output is left to gather; 0: it is read as it comes. */
    int64_t read_us;
    /* What has been read from its terminal up to this CPU time, and how much may be typed from when on. */
    int64_t paced_cpu_us;
    size_t typed_left;
    int64_t type_us;
    /* Nobody had its terminal open at the last look. */
    bool unheld;
    uint64_t memory_bytes;
    int64_t memory_check_us;
};

/* Starts the program in the directory that `work` is open on. One that cannot be started has its result at once. */
void step_start(struct step *step, const struct step_frame *frame, int work);

/* The round's work on a step that runs: its output, its stdin, and whether it has to end. */
void step_read_output(struct step *step);
bool step_gathers_output(const struct step *step);
void step_pump_input(struct step *step);
bool step_has_input(const struct step *step);
void step_watch(struct step *step);

/* Bytes of an I frame. */
void step_feed(struct step *step, const uint8_t *bytes, size_t length);

/* The pool wants it ended, or told something; with a terminal that is for whoever is in the foreground. */
void step_kill(struct step *step);
void step_signal(const struct step *step, int number);
void step_resize(const struct step *step, const struct terminal_size *size);

/* Delivers what a step that has ended left, and at last its result; returns early where the queue has no room. */
void step_drain(struct step *step);

/* When a running step has to be looked at though nothing happens. */
int64_t step_wake_us(const struct step *step);

#endif
