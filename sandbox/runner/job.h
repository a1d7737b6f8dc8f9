/*
 * job: what the pool's frames make the runner do, from a job's first file to its end.
 *
 * Theory of operation: a job is its files and steps up to `E`, and the container is as new when `R` follows: no process
 * but the runner and what was started ahead (processes.h), and empty directories (tree.h). Whatever of that cannot be
 * verified ends the container, so that no job ever meets another. Within a job `B` does the same, but that the
 * directories have again what they had at the job's first `B` (keep.h). A frame of the wrong shape or at the wrong time
 * means that the pool is not what the runner takes it for, and ends the container too.
 */
#ifndef JOB_H
#define JOB_H

#include "artifacts.h"
#include "frames.h"
#include "keep.h"
#include "options.h"
#include "processes.h"
#include "stdin.h"
#include "step.h"
#include "tree.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct job {
    /* Set once, before the first job. */
    struct processes *processes;
    struct stdin_ring *input;
    struct step *step;
    uid_t ahead_uid;

    /* What a program can write to; the first is the work directory. */
    struct tree trees[MAX_WIPED + 1];
    int tree_count;
    struct keep keep;
    struct artifacts artifacts;

    /* Whether this is a cell, which ends with its job; whether that is over, or goes on in another one. */
    bool in_cell;
    bool over;
    bool moves_on;
    /* No job has begun, and the next cell is to know what has been started ahead. */
    bool stays_ready;
    uint32_t done;
    bool begun;
};

void job_open_trees(struct job *job, const struct options *options);

/* Makes the container as new and says `R`. */
void job_get_ready(struct job *job);

/* In a cell: goes on with the job of the one before, from what was kept there. */
void job_go_on(struct job *job);

/* In a cell: no job has begun, and `R` was said. */
void job_stay_ready(struct job *job);

void job_handle(struct job *job, struct frame *frame);

#endif
