/*
 * runner: process 1 of a sandbox container. It takes files and steps from the pool, runs them, and says how they ended.
 *
 * Theory of operation: after the start, in which it gives up every right that it does not need (guard.h), the runner
 * is one loop around one poll. What can happen is: bytes from the pool, output of the program, room in the program's
 * stdin or in the pool's pipe, a signal (through a signalfd, so there are no handlers), or a point in time. Every round
 * looks at all of them and then writes what is in the outgoing queue, so the last output and the result leave together.
 * The queue is bounded: when the pool is slow the program's pipes are not read, and the program waits; frames from the
 * pool are still seen. A step goes from RUNNING, when its main process has ended or a limit was met, through the killing
 * of everything that is left, to DRAINING, which delivers what is still in the pipes. DRAINING never waits for a pipe.
 *
 * die() is for our own faults and for a pool that breaks the protocol: it says `!` and ends the container. What a
 * program does wrong is never a reason to die, only a result.
 */
#define _GNU_SOURCE
#include "clock.h"
#include "forkserver.h"
#include "frames.h"
#include "guard.h"
#include "launch.h"
#include "meter.h"
#include "tree.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MAX_TREES = 8,
    RESERVE_BYTES = 4096,
    FRAME_BYTES = 1024,
    CHUNK_BYTES = OUTPUT_HEADER_BYTES + MAX_OUTPUT_CHUNK,
    QUEUE_BYTES = 4 * CHUNK_BYTES + RESERVE_BYTES,
    INBOX_BYTES = HEADER_BYTES + MAX_HOST_PAYLOAD,
    ACKNOWLEDGE_BYTES = 64 * 1024,
    END_LIMIT_US = 10 * 1000 * 1000,
    WIPE_LIMIT_US = 5 * 1000 * 1000,
    FAULT_LIMIT_MS = 1000,
    CPU_CHECK_US = 5000,
    SOCKET_CHECK_US = 50 * 1000,
    MAX_SOCKETS = 512,
    PAGE_BYTES = 4096,
    KERNEL_SIGSET_BYTES = 8,
};

enum reason { EXITED, SIGNALED, WALL, CPU, MEMORY, OUTPUT, KILLED, NOT_STARTED };
enum phase { IDLE, RUNNING, DRAINING };

static struct {
    struct account account;
    uid_t ahead_uid;
    struct forkserver forkserver;
    struct tree trees[MAX_TREES];
    int tree_count;
    bool own_network;
    bool hold;
    int signals;
    int processors;
    uint32_t jobs_done;
    bool job_begun;
} self;

static struct {
    _Alignas(PAGE_BYTES) uint8_t bytes[INBOX_BYTES];
    size_t length;
    bool grown;
} inbox;

static struct {
    _Alignas(PAGE_BYTES) uint8_t bytes[QUEUE_BYTES];
    size_t head;
    size_t tail;
} queue;

/* Bytes for the program's stdin: a ring, as large as the window that the pool keeps to. */
static struct {
    _Alignas(PAGE_BYTES) uint8_t bytes[STDIN_WINDOW];
    size_t head;
    size_t length;
    uint32_t unacknowledged;
    bool closing;
} feed;

static struct {
    enum phase phase;
    struct program program;
    bool ahead;
    bool main_gone;
    int status;
    enum reason reason;
    uint64_t left[2];
    bool cut[2];
    int64_t started_us;
    int64_t deadline_us;
    int64_t cpu_limit_us;
    int64_t cpu_check_us;
    int64_t socket_check_us;
    int64_t ended_us;
} step;

static struct meter meter;
static struct step_frame step_frame;
static struct file_frame file_frame;

static bool flush(void)
{
    while (queue.head < queue.tail) {
        ssize_t written = write(STDOUT_FILENO, queue.bytes + queue.head, queue.tail - queue.head);
        if (written < 0)
            return errno == EAGAIN || errno == EINTR;
        queue.head += (size_t)written;
    }
    queue.head = queue.tail = 0;
    return true;
}

static void make_room(void)
{
    if (queue.head == 0)
        return;
    memmove(queue.bytes, queue.bytes + queue.head, queue.tail - queue.head);
    queue.tail -= queue.head;
    queue.head = 0;
}

static _Noreturn void end_container(int code)
{
    kill(-1, SIGKILL);
    _exit(code);
}

/* A queue full of output keeps RESERVE_BYTES free for other frames; only a pool that never reads uses them up. */
static uint8_t *room_for_frame(void)
{
    if (QUEUE_BYTES - queue.tail < FRAME_BYTES)
        make_room();
    if (QUEUE_BYTES - queue.tail < FRAME_BYTES)
        end_container(1);
    return queue.bytes + queue.tail;
}

static _Noreturn void die(const char *what)
{
    char text[512];
    int64_t deadline_us = monotonic_us() + FAULT_LIMIT_MS * 1000;
    snprintf(text, sizeof(text), errno ? "%s: %s" : "%s", what, strerror(errno));
    fprintf(stderr, "runner: %s\n", text);
    queue.tail += put_fault(room_for_frame(), text);
    while (flush() && queue.head < queue.tail && monotonic_us() < deadline_us)
        poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, FAULT_LIMIT_MS);
    end_container(1);
}

static _Noreturn void refuse(const char *what)
{
    errno = 0;
    die(what);
}

static void must(const char *failed)
{
    if (failed)
        die(failed);
}

/* Reaps whoever has ended, strangers' orphans too. False when no child is left. */
static bool reap(void)
{
    struct rusage usage;
    int status;
    pid_t pid;
    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        meter_reaped(&meter, &usage);
        if (pid == self.forkserver.pid)
            forkserver_reaped(&self.forkserver);
        if (step.phase == RUNNING && pid == step.program.pid) {
            step.main_gone = true;
            step.status = status;
            step.ended_us = monotonic_us();
        }
    }
    return pid == 0;
}

/* Whether the runner and the fork server are all that there is. */
static bool alone_but_for(pid_t server)
{
    bool alone = true;
    DIR *proc = opendir("/proc");
    if (!proc)
        return false;
    for (struct dirent *entry; (entry = readdir(proc));)
        if (isdigit((unsigned char)entry->d_name[0])) {
            long pid = atol(entry->d_name);
            alone = alone && (pid == 1 || pid == server);
        }
    closedir(proc);
    return alone;
}

static bool alone(void)
{
    if (self.forkserver.ready)
        return alone_but_for(self.forkserver.pid);
    return kill(-1, 0) && errno == ESRCH;
}

/* With the program's own right to kill, and no more: that spares the server, which has another user. */
static bool kill_programs(void)
{
    bool nobody;
    if (!self.forkserver.ready)
        return kill(-1, SIGKILL) && errno == ESRCH;
    if (syscall(SYS_setresuid, -1, self.account.uid, -1))
        die("take the program's user");
    nobody = kill(-1, SIGKILL) && errno == ESRCH;
    if (syscall(SYS_setresuid, -1, 0, -1))
        end_container(1);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return nobody;
}

static void end_everybody(void)
{
    int64_t deadline_us = monotonic_us() + END_LIMIT_US;
    for (;;) {
        struct signalfd_siginfo seen;
        bool nobody = kill_programs();
        bool childless = !reap();
        if ((childless && nobody) || alone())
            return;
        if (monotonic_us() > deadline_us)
            refuse("processes that cannot be killed");
        poll(&(struct pollfd){.fd = self.signals, .events = POLLIN}, 1, 20);
        if (read(self.signals, &seen, sizeof(seen)) == sizeof(seen) && seen.ssi_signo == SIGTERM)
            end_container(0);
    }
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static bool has_room_for_output(void)
{
    if (QUEUE_BYTES - queue.tail < CHUNK_BYTES + RESERVE_BYTES)
        make_room();
    return QUEUE_BYTES - queue.tail >= CHUNK_BYTES + RESERVE_BYTES;
}

/* Reads one chunk into the queue. One byte more than the limit is asked for, to tell "all of it" from "too much". */
static bool take_output(int stream)
{
    uint8_t *chunk = queue.bytes + queue.tail;
    uint64_t left = step.left[stream];
    size_t wanted = left < MAX_OUTPUT_CHUNK ? (size_t)left + 1 : MAX_OUTPUT_CHUNK;
    ssize_t length = read(step.program.streams[stream], chunk + OUTPUT_HEADER_BYTES, wanted);
    if (length < 0 && errno == EAGAIN)
        return false;
    if (length <= 0) {
        close_fd(&step.program.streams[stream]);
        return false;
    }
    if ((uint64_t)length > left) {
        step.cut[stream] = true;
        length = (ssize_t)left;
    }
    step.left[stream] -= (uint64_t)length;
    if (length > 0) {
        put_header(chunk, 'O', 1 + (size_t)length);
        chunk[HEADER_BYTES] = (uint8_t)(stream + 1);
        queue.tail += OUTPUT_HEADER_BYTES + (size_t)length;
    }
    return !step.cut[stream];
}

static void acknowledge(size_t size)
{
    feed.unacknowledged += (uint32_t)size;
    if (feed.unacknowledged < ACKNOWLEDGE_BYTES)
        return;
    queue.tail += put_window(room_for_frame(), feed.unacknowledged);
    feed.unacknowledged = 0;
}

static void drop_feed(void)
{
    acknowledge(feed.length);
    feed.length = 0;
    close_fd(&step.program.in);
}

static void pump_feed(void)
{
    while (feed.length > 0 && step.program.in >= 0) {
        size_t straight = STDIN_WINDOW - feed.head;
        size_t size = feed.length < straight ? feed.length : straight;
        ssize_t written = write(step.program.in, feed.bytes + feed.head, size);
        if (written < 0 && errno == EAGAIN)
            return;
        if (written < 0)
            break;
        feed.head = (feed.head + (size_t)written) % STDIN_WINDOW;
        feed.length -= (size_t)written;
        acknowledge((size_t)written);
    }
    if (feed.length > 0 || feed.closing)
        drop_feed();
}

static void append_feed(const uint8_t *bytes, size_t length)
{
    if (length > STDIN_WINDOW - feed.length || (length > 0 && feed.closing))
        refuse("more stdin than the window allows");
    size_t at = (feed.head + feed.length) % STDIN_WINDOW;
    size_t straight = STDIN_WINDOW - at < length ? STDIN_WINDOW - at : length;
    memcpy(feed.bytes + at, bytes, straight);
    memcpy(feed.bytes, bytes + straight, length - straight);
    feed.length += length;
    feed.closing = feed.closing || length == 0;
}

static void send_result(const struct result *result)
{
    queue.tail += put_result(room_for_frame(), result);
    step.phase = IDLE;
}

/* The first reason counts, but a program that ended by itself may yet turn out to have been ended by the kernel. */
static enum reason final_reason(void)
{
    if (step.reason != EXITED)
        return step.reason;
    if (!(WIFEXITED(step.status) && WEXITSTATUS(step.status) == 0) && meter_oom(&meter))
        return MEMORY;
    if (step.cut[0] || step.cut[1])
        return OUTPUT;
    return WIFSIGNALED(step.status) ? SIGNALED : EXITED;
}

static void conclude(void)
{
    struct result result = {
        .reason = (uint8_t)final_reason(),
        .exit_code = (uint8_t)(WIFEXITED(step.status) ? WEXITSTATUS(step.status) : 0),
        .signal = (uint8_t)(WIFSIGNALED(step.status) ? WTERMSIG(step.status) : 0),
        .flags = (uint8_t)(step.cut[0] | step.cut[1] << 1 | step.ahead << 2),
        .wall_us = (uint64_t)(step.ended_us - step.started_us),
        .cpu_us = (uint64_t)meter_cpu_us(&meter),
        .peak_memory_bytes = meter_peak_bytes(&meter),
    };
    close_fd(&step.program.streams[0]);
    close_fd(&step.program.streams[1]);
    meter_restart(&meter);
    send_result(&result);
}

/* Delivers what is still in the pipes, as far as the queue has room; whoever might still hold one is not waited for. */
static void drain(void)
{
    for (int stream = 0; stream < 2; stream++)
        while (step.program.streams[stream] >= 0) {
            if (!has_room_for_output())
                return;
            if (!take_output(stream))
                close_fd(&step.program.streams[stream]);
        }
    conclude();
}

static void finish(enum reason reason)
{
    step.reason = reason;
    end_everybody();
    if (!step.main_gone)
        refuse("the main process was not reaped");
    feed.unacknowledged = 0;
    feed.length = 0;
    close_fd(&step.program.in);
    step.phase = DRAINING;
}

static void read_output(void)
{
    for (int stream = 0; stream < 2; stream++)
        if (step.program.streams[stream] >= 0 && has_room_for_output())
            take_output(stream);
}

static bool cpu_limit_met(int64_t now_us)
{
    if (step.cpu_limit_us == 0 || now_us < step.cpu_check_us)
        return false;
    int64_t left_us = step.cpu_limit_us - meter_cpu_us(&meter);
    int64_t earliest_us = left_us / self.processors;
    step.cpu_check_us = now_us + (earliest_us > CPU_CHECK_US ? earliest_us : CPU_CHECK_US);
    return left_us <= 0;
}

/* Their buffers are memory that the container was not charged for; a look at intervals lets little more through. */
static bool too_many_sockets(int64_t now_us)
{
    if (now_us < step.socket_check_us)
        return false;
    step.socket_check_us = now_us + SOCKET_CHECK_US;
    return meter_sockets() > MAX_SOCKETS;
}

static void watch_step(void)
{
    int64_t now_us = monotonic_us();
    if (step.main_gone)
        finish(EXITED);
    else if (step.cut[0] || step.cut[1])
        finish(OUTPUT);
    else if (now_us >= step.deadline_us)
        finish(WALL);
    else if (cpu_limit_met(now_us))
        finish(CPU);
    else if (too_many_sockets(now_us))
        finish(MEMORY);
}

static void report_not_started(enum launched launched)
{
    struct result result = {.reason = NOT_STARTED, .exit_code = launched == NOT_FOUND ? 127 : 126};
    snprintf(result.detail, sizeof(result.detail), "%.200s: %s", step_frame.argv[0], strerror(errno));
    send_result(&result);
}

/*
 * Whatever has the right to change users and is not known to wait must be gone before there is a file of a job's that it
 * could run: the interpreter itself, or a process that it has started.
 */
static void settle_forkserver(void)
{
    if (!forkserver_settle(&self.forkserver))
        return;
    if (!self.forkserver.ready || !alone()) {
        self.forkserver.ready = false;
        end_everybody();
    }
    must(tree_wipe(&self.trees[0], monotonic_us() + WIPE_LIMIT_US));
    must(tree_restore(&self.trees[0]));
}

/* From here on there is something of a job's in the container. */
static void begin_job(void)
{
    if (self.job_begun)
        return;
    self.job_begun = true;
    settle_forkserver();
    meter_restart(&meter);
}

static enum launched launch_step(void)
{
    step.ahead = forkserver_launch(&self.forkserver, &step_frame, &self.account, &step.program);
    return step.ahead ? LAUNCHED : launch(&step_frame, &self.account, self.trees[0].fd, &step.program);
}

static void start_step(struct frame *frame)
{
    if (step.phase != IDLE || !parse_step(frame, &step_frame))
        refuse("a malformed or untimely S frame");
    begin_job();
    memset(&step, 0, sizeof(step));
    feed.head = feed.length = feed.unacknowledged = 0;
    feed.closing = false;
    step.left[0] = step.left[1] = step_frame.output_bytes;
    step.started_us = monotonic_us();
    step.deadline_us = step.started_us + (int64_t)step_frame.wall_ms * 1000;
    step.cpu_limit_us = (int64_t)step_frame.cpu_ms * 1000;
    step.cpu_check_us = step.started_us + step.cpu_limit_us / self.processors;
    step.socket_check_us = meter_watches_sockets() ? step.started_us + SOCKET_CHECK_US : INT64_MAX;
    enum launched launched = launch_step();
    if (launched == LAUNCH_BROKEN)
        die("start a program");
    if (launched == LAUNCHED)
        step.phase = RUNNING;
    else
        report_not_started(launched);
}

static void start_ahead(struct frame *frame)
{
    if (self.job_begun || self.forkserver.pid != 0)
        refuse("an untimely A frame");
    if (!forkserver_start(&self.forkserver, self.ahead_uid, frame, &self.account, &self.trees[0]))
        refuse("a malformed A frame");
}

static void write_file(struct frame *frame)
{
    if (step.phase != IDLE || !parse_file(frame, &file_frame))
        refuse("a malformed or untimely F frame");
    begin_job();
    must(tree_write(&self.trees[0], &file_frame));
}

static void feed_step(struct frame *frame)
{
    if (step.phase != RUNNING)
        return;
    append_feed(frame->payload, frame->length);
    if (step.program.in < 0)
        drop_feed();
    pump_feed();
}

static void kill_step(struct frame *frame)
{
    if (frame->length != 0)
        refuse("a malformed K frame");
    if (step.phase != RUNNING)
        return;
    reap();
    finish(step.main_gone ? EXITED : KILLED);
}

/* After large frames the buffers' pages go back, so that a waiting container is as small as a new one. */
static void release_memory(void)
{
    madvise(feed.bytes, sizeof(feed.bytes), MADV_DONTNEED);
    if (queue.tail == 0)
        madvise(queue.bytes, sizeof(queue.bytes), MADV_DONTNEED);
}

static void get_ready(void)
{
    int64_t deadline_us = monotonic_us() + WIPE_LIMIT_US;
    end_everybody();
    for (int i = 0; i < self.tree_count; i++) {
        must(tree_wipe(&self.trees[i], deadline_us));
        must(tree_restore(&self.trees[i]));
    }
    if (!alone())
        refuse("another process in the container");
    if (self.forkserver.lost)
        refuse("the interpreter that was started ahead has ended");
    self.job_begun = false;
    meter_restart(&meter);
    queue.tail += put_ready(room_for_frame(), self.jobs_done);
}

static void end_job(struct frame *frame)
{
    if (step.phase != IDLE || frame->length != 0)
        refuse("a malformed or untimely E frame");
    self.jobs_done++;
    release_memory();
    get_ready();
}

static const struct {
    char type;
    void (*handle)(struct frame *frame);
} HANDLERS[] = {{'A', start_ahead}, {'F', write_file}, {'S', start_step},
                {'I', feed_step},   {'K', kill_step},  {'E', end_job}};

static void handle(struct frame *frame)
{
    for (size_t i = 0; i < sizeof(HANDLERS) / sizeof(HANDLERS[0]); i++)
        if (HANDLERS[i].type == frame->type)
            HANDLERS[i].handle(frame);
}

static void handle_frames(void)
{
    struct frame frame;
    size_t done = 0;
    enum frame_state state;
    while ((state = next_frame(inbox.bytes + done, inbox.length - done, &frame)) == FRAME_WHOLE) {
        handle(&frame);
        done += HEADER_BYTES + frame.length;
    }
    if (state == FRAME_BAD)
        refuse("an unknown or too long frame");
    inbox.length -= done;
    memmove(inbox.bytes, inbox.bytes + done, inbox.length);
}

static void read_frames(void)
{
    ssize_t length = read(STDIN_FILENO, inbox.bytes + inbox.length, INBOX_BYTES - inbox.length);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0)
        end_container(0);
    inbox.length += (size_t)length;
    inbox.grown = inbox.grown || inbox.length > ACKNOWLEDGE_BYTES;
    handle_frames();
    if (inbox.grown && inbox.length == 0)
        inbox.grown = madvise(inbox.bytes, sizeof(inbox.bytes), MADV_DONTNEED) != 0;
}

static void read_signals(void)
{
    struct signalfd_siginfo seen[8];
    ssize_t length;
    while ((length = read(self.signals, seen, sizeof(seen))) > 0)
        for (size_t i = 0; i < (size_t)length / sizeof(seen[0]); i++)
            if (seen[i].ssi_signo == SIGTERM)
                end_container(0);
    reap();
}

enum { FROM_POOL, TO_POOL, SIGNALS, STREAM_1, STREAM_2, TO_PROGRAM, POLLED };

static void watch(struct pollfd *polled)
{
    bool running = step.phase == RUNNING;
    bool room = running && has_room_for_output();
    polled[FROM_POOL] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    polled[TO_POOL] = (struct pollfd){.fd = queue.tail > queue.head ? STDOUT_FILENO : -1, .events = POLLOUT};
    polled[SIGNALS] = (struct pollfd){.fd = self.signals, .events = POLLIN};
    polled[STREAM_1] = (struct pollfd){.fd = room ? step.program.streams[0] : -1, .events = POLLIN};
    polled[STREAM_2] = (struct pollfd){.fd = room ? step.program.streams[1] : -1, .events = POLLIN};
    polled[TO_PROGRAM] = (struct pollfd){.fd = running && feed.length > 0 ? step.program.in : -1, .events = POLLOUT};
}

static void wait_for_something(struct pollfd *polled)
{
    struct timespec timeout = {0};
    int64_t wake_us = step.deadline_us;
    if (step.cpu_limit_us > 0 && step.cpu_check_us < wake_us)
        wake_us = step.cpu_check_us;
    if (step.socket_check_us < wake_us)
        wake_us = step.socket_check_us;
    int64_t left_us = wake_us - monotonic_us();
    if (left_us > 0)
        timeout = (struct timespec){.tv_sec = left_us / 1000000, .tv_nsec = left_us % 1000000 * 1000};
    if (ppoll(polled, POLLED, step.phase == RUNNING ? &timeout : NULL, NULL) < 0 && errno != EINTR)
        die("wait");
}

/* Only a queue without room may end this before a step is drained: then there is something to wait for. */
static void deliver(void)
{
    do {
        if (step.phase == DRAINING)
            drain();
        if (!flush())
            end_container(0);
    } while (step.phase == DRAINING && has_room_for_output());
}

static _Noreturn void serve(void)
{
    struct pollfd polled[POLLED];
    for (;;) {
        deliver();
        watch(polled);
        wait_for_something(polled);
        if (step.phase == RUNNING)
            read_output();
        if (polled[SIGNALS].revents)
            read_signals();
        if (step.phase == RUNNING) {
            pump_feed();
            watch_step();
        }
        if (polled[FROM_POOL].revents)
            read_frames();
    }
}

static _Noreturn void usage(void)
{
    fputs("usage: runner --uid N --gid N [--ahead-uid N] [--net unshare|keep] --work DIR [--wipe DIR]...\n"
          "       runner --hold\n",
          stderr);
    exit(2);
}

static void add_tree(const char *path, bool work)
{
    if (self.tree_count == MAX_TREES)
        usage();
    struct tree *tree = &self.trees[self.tree_count++];
    must(tree_open(tree, path));
    tree->uid = work ? self.account.uid : 0;
    tree->gid = work ? self.account.gid : 0;
    tree->mode = work ? 0700 : 01777;
}

static unsigned number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || end == text || value == 0 || value >= UINT32_MAX)
        usage();
    return (unsigned)value;
}

static const struct option OPTIONS[] = {
    {"uid", required_argument, NULL, 'u'},  {"gid", required_argument, NULL, 'g'},  {"ahead-uid", required_argument, NULL, 'a'},
    {"work", required_argument, NULL, 'w'}, {"wipe", required_argument, NULL, 'x'}, {"net", required_argument, NULL, 'n'},
    {"hold", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0},
};

struct paths {
    const char *work;
    const char *wiped[MAX_TREES];
    int count;
};

static void take_option(int option, struct paths *paths)
{
    if (option == 'u')
        self.account.uid = number(optarg);
    else if (option == 'g')
        self.account.gid = number(optarg);
    else if (option == 'a')
        self.ahead_uid = number(optarg);
    else if (option == 'n' && (strcmp(optarg, "unshare") == 0 || strcmp(optarg, "keep") == 0))
        self.own_network = strcmp(optarg, "unshare") == 0;
    else if (option == 'w')
        paths->work = optarg;
    else if (option == 'x' && paths->count < MAX_TREES)
        paths->wiped[paths->count++] = optarg;
    else if (option == 'h')
        self.hold = true;
    else
        usage();
}

static void take_options(int argc, char **argv, struct paths *paths)
{
    int option;
    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) >= 0)
        take_option(option, paths);
    if (optind != argc || (!self.hold && (!self.account.uid || !self.account.gid || !paths->work)))
        usage();
}

static void open_trees(const struct paths *paths)
{
    add_tree(paths->work, true);
    for (int i = 0; i < paths->count; i++)
        if (strcmp(paths->wiped[i], paths->work) != 0)
            add_tree(paths->wiped[i], false);
}

/*
 * Whatever the container engine was started with comes down to here, and would go on to the programs. The C library keeps
 * two signals to itself and refuses to touch them, so the kernel is asked; a record of zeroes is the default action.
 */
static void reset_signals(void)
{
    static const unsigned long default_action[4];
    for (int number = 1; number < NSIG; number++)
        syscall(SYS_rt_sigaction, number, default_action, NULL, KERNEL_SIGSET_BYTES);
}

/* Every signal is blocked for good, so none can interrupt; two of them are read from a descriptor. */
static void take_signals(void)
{
    sigset_t all, read;
    sigfillset(&all);
    sigemptyset(&read);
    sigaddset(&read, SIGCHLD);
    sigaddset(&read, SIGTERM);
    reset_signals();
    if (sigprocmask(SIG_SETMASK, &all, NULL))
        die("block signals");
    self.signals = signalfd(-1, &read, SFD_CLOEXEC | SFD_NONBLOCK);
    if (self.signals < 0)
        die("open a signalfd");
}

static void take_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO; fd++)
        if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
            die("make a stream non-blocking");
}

static void count_processors(void)
{
    cpu_set_t set;
    self.processors = sched_getaffinity(0, sizeof(set), &set) ? (int)sysconf(_SC_NPROCESSORS_ONLN) : CPU_COUNT(&set);
    if (self.processors < 1)
        self.processors = 1;
}

/* The holder of a network namespace: it does nothing until its stdin closes or it is told to end. */
static _Noreturn void hold(void)
{
    struct pollfd polled[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = self.signals, .events = POLLIN}};
    must(guard_capabilities());
    for (;;) {
        if (poll(polled, 2, -1) < 0)
            die("wait");
        if (polled[1].revents)
            read_signals();
        if (polled[0].revents && read(STDIN_FILENO, inbox.bytes, PAGE_BYTES) == 0)
            end_container(0);
    }
}

int main(int argc, char **argv)
{
    struct paths paths = {0};
    take_options(argc, argv, &paths);
    /* It wipes directories and kills everybody: only ever in a container of its own. */
    if (getpid() != 1)
        usage();
    syscall(SYS_close_range, 3, ~0U, 0);
    umask(0);
    take_signals();
    take_streams();
    if (self.hold)
        hold();
    must(launch_open());
    if (self.own_network)
        must(guard_container(paths.work));
    guard_directories();
    must(guard_limits());
    open_trees(&paths);
    count_processors();
    meter_open(&meter);
    must(guard_capabilities());
    must(guard_system_calls());
    get_ready();
    serve();
}
