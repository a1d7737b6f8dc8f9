/* job: see job.h for the theory of operation. */
#define _GNU_SOURCE
#include "job.h"

#include "cell.h"
#include "clock.h"
#include "fault.h"
#include "forkserver.h"
#include "locks.h"
#include "queue.h"
#include "terminal.h"

#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    /*
     * What a program can fill has an inode for every 2 KiB of its size (sandbox/policy.py), and so many files are gone
     * in a fraction of this. What is not empty by then is a fault, not a large directory.
     */
    WIPE_LIMIT_US = 5 * 1000 * 1000,
};

/* Too large for the stack; a frame is done with before the next one is parsed. */
static struct step_frame step_frame;
static struct file_frame file_frame;

static void add_tree(struct job *job, const char *path, struct account owner, mode_t mode)
{
    struct tree *tree = &job->trees[job->tree_count++];
    must(tree_open(tree, path));
    tree->uid = owner.uid;
    tree->gid = owner.gid;
    tree->mode = mode;
}

void job_open_trees(struct job *job, const struct options *options)
{
    add_tree(job, options->work, options->account, 0700);
    for (int i = 0; i < options->wiped_count; i++)
        if (strcmp(options->wiped[i], options->work) != 0)
            add_tree(job, options->wiped[i], (struct account){0}, 01777);
}

static void empty_tree(const struct tree *tree, int64_t deadline_us)
{
    must(tree_wipe(tree, deadline_us));
    must(tree_restore(tree));
}

/*
 * Whatever has the right to change users and is not known to wait must be gone before there is a file of a job's that
 * it could run: the interpreter itself, or a process that it has started.
 */
static void await_forkserver(struct job *job)
{
    if (!forkserver_await(&job->processes->server))
        return;
    if (!job->processes->server.ready || !processes_alone(job->processes)) {
        job->processes->server.ready = false;
        processes_end(job->processes);
    }
    empty_tree(&job->trees[0], monotonic_us() + WIPE_LIMIT_US);
}

/* From here on there is something of a job's in the container. */
static void begin_job(struct job *job)
{
    if (job->begun)
        return;
    job->begun = true;
    cell_close_ahead();
    await_forkserver(job);
    meter_restart(&job->processes->meter);
}

static void empty_trees(const struct job *job, int64_t deadline_us)
{
    for (int i = 0; i < job->tree_count; i++)
        empty_tree(&job->trees[i], deadline_us);
}

void job_get_ready(struct job *job)
{
    int64_t deadline_us = monotonic_us() + WIPE_LIMIT_US;
    /* To ask the kernel for processes costs as much as there are on the machine; in a new cell there can be none. */
    if (!job->in_cell)
        processes_end(job->processes);
    keep_drop(&job->keep);
    empty_trees(job, deadline_us);
    if (!job->in_cell && !processes_alone(job->processes))
        refuse("another process in the container");
    if (job->processes->server.lost)
        refuse("the interpreter that was started ahead has ended");
    job->begun = false;
    locks_restart();
    meter_restart(&job->processes->meter);
    queue_add(put_ready(queue_room_for_frame(), job->done, job->in_cell));
}

/* Whether neither a program runs nor anything of one is on its way to the pool. */
static bool is_idle(const struct job *job)
{
    return job->step->phase == IDLE && !job->artifacts.collecting && !job->over;
}

static void start_ahead(struct job *job, struct frame *frame)
{
    if (!forkserver_start(&job->processes->server, job->ahead_uid, frame, &job->processes->account, &job->trees[0]))
        refuse("a malformed A frame");
}

/* In a cell it is its maker that starts it. */
static void handle_ahead(struct job *job, struct frame *frame)
{
    if (job->begun || job->over || job->processes->server.pid != 0)
        refuse("an untimely A frame");
    if (!job->in_cell) {
        start_ahead(job, frame);
        return;
    }
    if (!forkserver_knows(frame))
        refuse("a malformed A frame");
    cell_keep_ahead(frame);
    job->stays_ready = true;
}

/* What was kept is put back where nobody is yet who could change it. */
static void restore(struct job *job, int64_t deadline_us)
{
    empty_trees(job, deadline_us);
    must(keep_restore(&job->keep, job->trees, job->tree_count, &job->processes->account, deadline_us));
    locks_restart();
    meter_restart(&job->processes->meter);
}

void job_go_on(struct job *job)
{
    empty_trees(job, monotonic_us() + WIPE_LIMIT_US);
    begin_job(job);
    restore(job, monotonic_us() + WIPE_LIMIT_US);
}

void job_stay_ready(struct job *job)
{
    empty_trees(job, monotonic_us() + WIPE_LIMIT_US);
    meter_restart(&job->processes->meter);
}

/*
 * As at a job's end, and as it was at the first of these. The copy is made when nobody is left to change it, and so is
 * what is made of it, in a cell by the next one.
 */
static void handle_back(struct job *job, struct frame *frame)
{
    int64_t deadline_us = monotonic_us() + WIPE_LIMIT_US;
    if (!is_idle(job) || frame->length != 0)
        refuse("a malformed or untimely B frame");
    begin_job(job);
    processes_end(job->processes);
    if (!processes_alone(job->processes))
        refuse("another process in the container");
    if (job->keep.fd < 0)
        must(keep_trees(&job->keep, job->in_cell ? cell_file() : keep_file(), job->trees, job->tree_count));
    if (job->in_cell)
        job->moves_on = true;
    else
        restore(job, deadline_us);
}

static void handle_file(struct job *job, struct frame *frame)
{
    if (!is_idle(job) || !parse_file(frame, &file_frame))
        refuse("a malformed or untimely F frame");
    begin_job(job);
    must(tree_write(&job->trees[0], &file_frame, monotonic_us() + WIPE_LIMIT_US));
}

/*
 * Where no file system could be mounted there is no library to load, and the dynamic linker would say so on the
 * program's stderr.
 */
static void leave_out_library(char **variables)
{
    static const char VARIABLE[] = "LD_PRELOAD=/.gexec/flush.so";
    char **kept = variables;
    bool there = access(strchr(VARIABLE, '=') + 1, R_OK) == 0;
    for (; *variables; variables++)
        if (there || strcmp(*variables, VARIABLE) != 0)
            *kept++ = *variables;
    *kept = NULL;
}

/* What files take of the container's memory: those that programs see, and the copy of them. */
static uint64_t file_bytes(const struct job *job)
{
    uint64_t bytes = job->keep.fd < 0 ? 0 : job->keep.needed;
    struct statvfs system;
    for (int i = 0; i < job->tree_count; i++)
        if (fstatvfs(job->trees[i].fd, &system) == 0)
            bytes += (system.f_blocks - system.f_bfree) * system.f_frsize;
    return bytes;
}

static void handle_step(struct job *job, struct frame *frame)
{
    if (!is_idle(job) || !parse_step(frame, &step_frame))
        refuse("a malformed or untimely S frame");
    if (step_frame.on_terminal && !terminal_is_there())
        refuse("a step on a terminal where there is none");
    leave_out_library(step_frame.envp);
    begin_job(job);
    if (meter_watches_memory())
        meter_await_memory(file_bytes(job));
    step_start(job->step, &step_frame, job->trees[0].fd);
}

/* The pool may have sent it, and a K, before it knew of the step's end. */
static void handle_stdin(struct job *job, struct frame *frame)
{
    if (job->step->phase == RUNNING)
        step_feed(job->step, frame->payload, frame->length);
}

/* As with stdin, the step may have ended meanwhile. */
static void handle_signal(struct job *job, struct frame *frame)
{
    int number;
    if (!parse_signal(frame, &number))
        refuse("a malformed G frame");
    if (job->step->phase == RUNNING)
        step_signal(job->step, number);
}

static void handle_resize(struct job *job, struct frame *frame)
{
    struct terminal_size size;
    if (!parse_size(frame, &size))
        refuse("a malformed Z frame");
    if (job->step->phase == RUNNING)
        step_resize(job->step, &size);
}

static void handle_kill(struct job *job, struct frame *frame)
{
    if (frame->length != 0)
        refuse("a malformed K frame");
    if (job->step->phase == RUNNING)
        step_kill(job->step);
}

static void handle_collect(struct job *job, struct frame *frame)
{
    if (!is_idle(job))
        refuse("an untimely P frame");
    begin_job(job);
    processes_end(job->processes);
    if (!artifacts_begin(&job->artifacts, frame, job->trees[0].fd, &job->processes->account))
        refuse("a malformed P frame");
}

/* After large frames the buffers' pages go back, so that a waiting container is as small as a new one. */
static void handle_end(struct job *job, struct frame *frame)
{
    if (!is_idle(job) || frame->length != 0)
        refuse("a malformed or untimely E frame");
    if (job->in_cell) {
        job->over = true;
        return;
    }
    job->done++;
    stdin_release_memory(job->input);
    queue_release_memory();
    job_get_ready(job);
}

static const struct {
    char type;
    void (*handle)(struct job *job, struct frame *frame);
} HANDLERS[] = {{'A', handle_ahead},  {'F', handle_file},  {'B', handle_back},    {'S', handle_step},
                {'I', handle_stdin},  {'K', handle_kill},  {'P', handle_collect}, {'E', handle_end},
                {'G', handle_signal}, {'Z', handle_resize}};

void job_handle(struct job *job, struct frame *frame)
{
    for (size_t i = 0; i < sizeof(HANDLERS) / sizeof(HANDLERS[0]); i++)
        if (HANDLERS[i].type == frame->type)
            HANDLERS[i].handle(job, frame);
}
