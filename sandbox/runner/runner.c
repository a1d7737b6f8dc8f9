/*
 * runner: process 1 of a sandbox container. It takes files and steps from the pool, runs them, and says how they ended.
 *
 * Theory of operation: after the start, in which it gives up every right that it does not need (guard.h), the runner
 * is one loop around one poll. What can happen is: bytes from the pool, output of the program, room in the program's
 * stdin or in the pool's pipe, a signal (signals.h), or a point in time. Every round looks at all of them and then
 * writes what is in the outgoing queue (queue.h), so the last output and the result leave together. Frames from the
 * pool are read whatever the program does. What they make the runner do is in job.h, the life of one program in step.h,
 * and what ends the container in fault.h.
 */
#define _GNU_SOURCE
#include "cell.h"
#include "clock.h"
#include "fault.h"
#include "frames.h"
#include "guard.h"
#include "job.h"
#include "launch.h"
#include "locks.h"
#include "meter.h"
#include "options.h"
#include "processes.h"
#include "queue.h"
#include "signals.h"
#include "stdin.h"
#include "step.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    INBOX_BYTES = HEADER_BYTES + MAX_HOST_PAYLOAD,
    /* Frames up to here are the many; the pages of a larger one are worth a system call to give back. */
    SMALL_FRAME_BYTES = 64 * 1024,
    PAGE_BYTES = 4096,
};

static struct {
    _Alignas(PAGE_BYTES) uint8_t bytes[INBOX_BYTES];
    size_t length;
    bool grown;
} inbox;

static struct processes processes;
static struct stdin_ring input;
static struct step step = {.processes = &processes, .input = &input};
static int locks = -1;
static struct job job = {.processes = &processes, .input = &input, .step = &step, .keep = {.fd = -1}};

/* What comes from here on is for the next cell. */
static bool ends_early(void)
{
    return job.moves_on || job.stays_ready;
}

static void handle_frames(void)
{
    struct frame frame;
    size_t done = 0;
    enum frame_state state;
    while ((state = next_frame(inbox.bytes + done, inbox.length - done, &frame)) == FRAME_WHOLE && !ends_early()) {
        job_handle(&job, &frame);
        done += HEADER_BYTES + frame.length;
    }
    if (state == FRAME_BAD)
        refuse("an unknown or too long frame");
    inbox.length -= done;
    memmove(inbox.bytes, inbox.bytes + done, inbox.length);
}

/* There is always room: the inbox holds the longest frame, and whole ones leave it at once. */
static void read_frames(void)
{
    ssize_t length = read(STDIN_FILENO, inbox.bytes + inbox.length, INBOX_BYTES - inbox.length);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0)
        end_container(0);
    inbox.length += (size_t)length;
    inbox.grown = inbox.grown || inbox.length > SMALL_FRAME_BYTES;
    handle_frames();
    if (inbox.grown && inbox.length == 0)
        inbox.grown = madvise(inbox.bytes, sizeof(inbox.bytes), MADV_DONTNEED) != 0;
}

enum { FROM_POOL, TO_POOL, SIGNALS, STREAM_1, STREAM_2, TO_PROGRAM, LOCKS, POLLED };

static void watch(struct pollfd *polled)
{
    bool running = step.phase == RUNNING;
    bool room = running && queue_has_room_for_output() && !step_gathers_output(&step);
    polled[FROM_POOL] = (struct pollfd){.fd = ends_early() ? -1 : STDIN_FILENO, .events = POLLIN};
    polled[TO_POOL] = (struct pollfd){.fd = queue_is_empty() ? -1 : STDOUT_FILENO, .events = POLLOUT};
    polled[SIGNALS] = (struct pollfd){.fd = processes.signals, .events = POLLIN};
    polled[STREAM_1] = (struct pollfd){.fd = room ? step.program.streams[0] : -1, .events = POLLIN};
    polled[STREAM_2] = (struct pollfd){.fd = room ? step.program.streams[1] : -1, .events = POLLIN};
    polled[TO_PROGRAM] =
        (struct pollfd){.fd = running && step_has_input(&step) ? step.program.in : -1, .events = POLLOUT};
    polled[LOCKS] = (struct pollfd){.fd = locks, .events = POLLIN};
}

static void wait_for_something(struct pollfd *polled)
{
    struct timespec timeout = {0};
    int64_t left_us = step_wake_us(&step) - monotonic_us();
    if (left_us > 0)
        timeout = (struct timespec){.tv_sec = left_us / 1000000, .tv_nsec = left_us % 1000000 * 1000};
    if (ppoll(polled, POLLED, step.phase == RUNNING ? &timeout : NULL, NULL) < 0 && errno != EINTR)
        die("wait");
}

/* Only a queue without room may end this before a step is drained, or files are sent: then there is something to wait
 * for. */
static void deliver(void)
{
    do {
        if (step.phase == DRAINING)
            step_drain(&step);
        if (job.artifacts.collecting)
            artifacts_go_on(&job.artifacts);
        if (!queue_flush())
            end_container(0);
    } while ((step.phase == DRAINING || job.artifacts.collecting) && queue_has_room_for_output());
    /* A frame that has come in part, as a late K may, is read to its end: the next cell would begin in its middle. */
    if (job.over && queue_is_empty() && inbox.length == 0)
        cell_leave();
    if (job.moves_on && queue_is_empty())
        cell_move_on(&job.keep, inbox.bytes, inbox.length);
    if (job.stays_ready && queue_is_empty())
        cell_stay_ready(inbox.bytes, inbox.length);
}

/*
 * Output comes before signals, so that what a program printed last is read as its output before its end is known, and
 * frames come last, so that a program that has ended is not killed by a K that came later.
 */
static _Noreturn void serve(void)
{
    struct pollfd polled[POLLED];
    for (;;) {
        deliver();
        watch(polled);
        wait_for_something(polled);
        if (step.phase == RUNNING)
            step_read_output(&step);
        if (polled[SIGNALS].revents) {
            signals_read(processes.signals);
            processes_reap(&processes);
        }
        if (step.phase == RUNNING) {
            step_pump_input(&step);
            step_watch(&step);
        }
        if (polled[LOCKS].revents & POLLIN)
            locks_answer(locks);
        if (polled[FROM_POOL].revents)
            read_frames();
    }
}

static void make_streams_non_blocking(void)
{
    for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO; fd++)
        if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
            die("make a stream non-blocking");
}

/* The holder of a network namespace: it does nothing until its stdin closes or it is told to end. */
static _Noreturn void hold(void)
{
    struct pollfd polled[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = processes.signals, .events = POLLIN}};
    must(guard_capabilities());
    for (;;) {
        if (poll(polled, 2, -1) < 0)
            die("wait");
        if (polled[1].revents) {
            signals_read(processes.signals);
            processes_reap(&processes);
        }
        if (polled[0].revents && read(STDIN_FILENO, inbox.bytes, PAGE_BYTES) == 0)
            end_container(0);
    }
}

/*
 * The order matters: each step needs a right, a mount or a descriptor that a later one takes away. Tells what another
 * cell has left to this one.
 */
static enum cell take_container_over(const struct options *options)
{
    enum cell cell = NO_CELL;
    must(launch_open());
    locks_open();
    if (options->own_network)
        must(guard_network(options->work));
    guard_container(options->work, options->account.uid, options->account.gid, options->terminal);
    if (options->terminal)
        must(terminal_open(&options->account));
    guard_directories();
    guard_priority();
    if (options->processes)
        guard_processes(options->processes);
    must(guard_limits());
    must(guard_stack(options->stack_bytes));
    meter_open();
    if (options->cell_root && !options->terminal)
        cell = cell_enter(options, processes.signals, &job.done);
    job.in_cell = cell != NO_CELL;
    job_open_trees(&job, options);
    meter_open_sockets();
    meter_restart(&processes.meter);
    must(guard_capabilities());
    must(guard_profile());
    must(cell == NO_CELL ? guard_system_calls(&locks, options->terminal) : guard_cell_calls());
    if (cell != NO_CELL) {
        locks = cell_locks();
        forkserver_enter(&processes.server, cell_server());
    }
    return cell;
}

/* With what the cell before has left behind of the job. */
static void go_on(enum cell cell)
{
    cell_take_over(cell == SAME_JOB ? &job.keep : NULL, inbox.bytes, sizeof(inbox.bytes), &inbox.length);
    inbox.grown = inbox.length > SMALL_FRAME_BYTES;
    if (cell == SAME_JOB)
        job_go_on(&job);
    else
        job_stay_ready(&job);
    handle_frames();
}

int main(int argc, char **argv)
{
    struct options options = {0};
    take_options(argc, argv, &options);
    /* It wipes directories and kills everybody: only ever in a container of its own. */
    if (getpid() != 1)
        usage();
    syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
    umask(0);
    processes.signals = signals_open();
    make_streams_non_blocking();
    if (options.hold)
        hold();
    processes.account = options.account;
    job.ahead_uid = options.ahead_uid;
    enum cell cell = take_container_over(&options);
    step.processors = launch_processors();
    if (cell == SAME_JOB || cell == READY)
        go_on(cell);
    else
        job_get_ready(&job);
    serve();
}
