/* step: see step.h for the theory of operation. */
#define _GNU_SOURCE
#include "step.h"

#include "clock.h"
#include "fault.h"
#include "fd.h"
#include "forkserver.h"
#include "queue.h"
#include "terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    /*
     * No program can have used its CPU time sooner than its processors allow, so most steps are looked at once or not
     * at all. Close to the limit this is the most by which it can be missed, and 200 looks a second at one small file.
     */
    CPU_CHECK_US = 5000,
    /*
     * The receive buffer of a socket holds 208 KiB unless it is asked for more, which the filter forbids: this many
     * hold about 100 MiB. Each look is at one small file.
     */
    MAX_SOCKETS = 512,
    SOCKET_CHECK_US = 50 * 1000,
    /*
     * Most of what a line costs a program that writes line by line is to wake its reader. So little output is left to
     * gather for a moment; where there is more, a pause would leave the program with a full pipe, which holds 64 KiB.
     */
    LITTLE_OUTPUT_BYTES = 16 * 1024,
    GATHER_US = 1000,
    /* Time to write a buffer out for who catches the warning; at half a processor there are 50 ms in each 100 without
       any. */
    LAST_WORDS_US = 100 * 1000,
    /* What is taken between two looks is beyond the limit; the container has some room for it. */
    MEMORY_CHECK_US = 10 * 1000,
    /*
     * What a terminal prints is moved by the kernel's threads. Seen: for a program that writes single bytes they take
     * half as long as its own calls, about a microsecond each; they are taken to need twice as long. A pause of four
     * times that leaves them a fifth of a processor, and what comes behind a pause is read at once.
     */
    TERMINAL_BYTE_US = 1,
    TERMINAL_PAUSES = 4,
    TERMINAL_PAUSE_US = 200 * 1000,
    TERMINAL_READS = 16,
    /* Between two looks at a terminal that nobody has open: poll would not wait for one. */
    UNHELD_US = 20 * 1000,
    /* Between two helpings of what is typed faster than anybody types. */
    TYPE_US = 10 * 1000,
    /* As a shell has it. */
    EXIT_NOT_FOUND = 127,
    EXIT_NOT_EXECUTABLE = 126,
};

static int64_t earlier(int64_t one_us, int64_t other_us)
{
    return one_us < other_us ? one_us : other_us;
}

/*
 * Reads one chunk straight into the queue. One byte more than the limit is asked for, to tell "all of it" from "too
 * much". False when there is nothing more to be had now: the pipe is empty or closed, or the limit is met.
 */
static bool take_output(struct step *step, int stream)
{
    uint8_t *chunk = queue_room_for_output();
    uint64_t left = step->output_left[stream];
    size_t wanted = left < MAX_OUTPUT_CHUNK ? (size_t)left + 1 : MAX_OUTPUT_CHUNK;
    ssize_t length = read(step->program.streams[stream], chunk + OUTPUT_HEADER_BYTES, wanted);
    if (length < 0 && errno == EAGAIN)
        return false;
    /* Nobody has the terminal open just now; but somebody of its session may open it again. */
    step->unheld = length < 0 && errno == EIO && step->program.terminal && step->phase == RUNNING;
    if (step->unheld)
        return false;
    if (length <= 0) {
        close_fd(&step->program.streams[stream]);
        return false;
    }
    if ((uint64_t)length > left) {
        step->cut[stream] = true;
        length = (ssize_t)left;
    }
    step->output_left[stream] -= (uint64_t)length;
    if (length > 0)
        queue_add(put_output_header(chunk, stream, (size_t)length));
    return !step->cut[stream];
}

/* A terminal gives less at a time than a pipe, however much waits. */
static void take_all_output(struct step *step)
{
    for (int stream = 0; stream < 2; stream++)
        for (int reads = step->program.terminal ? TERMINAL_READS : 1; reads > 0; reads--)
            if (step->program.streams[stream] < 0 || !queue_has_room_for_output() || !take_output(step, stream))
                break;
}

/* Whichever is the lower bound of what the kernel has done: by the bytes, or by the time that its callers took. */
static int64_t terminal_pause_us(struct step *step, uint64_t taken)
{
    int64_t cpu_us = meter_cpu_us(&step->processes->meter);
    int64_t moved_us = earlier((int64_t)taken * TERMINAL_BYTE_US, 2 * (cpu_us - step->paced_cpu_us));
    step->paced_cpu_us = cpu_us;
    int64_t pause_us = TERMINAL_PAUSES * moved_us;
    return pause_us < GATHER_US ? GATHER_US : earlier(pause_us, TERMINAL_PAUSE_US);
}

void step_read_output(struct step *step)
{
    int64_t now_us = monotonic_us();
    if (step_gathers_output(step) && now_us < step->read_us)
        return;
    uint64_t before = step->output_left[0] + step->output_left[1];
    take_all_output(step);
    uint64_t taken = before - step->output_left[0] - step->output_left[1];
    if (step->unheld)
        step->read_us = now_us + UNHELD_US;
    else if (taken > 0 && step->program.terminal)
        step->read_us = now_us + terminal_pause_us(step, taken);
    else
        step->read_us = taken > 0 && taken < LITTLE_OUTPUT_BYTES ? now_us + GATHER_US : 0;
}

bool step_gathers_output(const struct step *step)
{
    return step->read_us > 0;
}

/* What is typed comes as far as there is some allowance left, which grows with the time. */
static size_t most_input(struct step *step)
{
    int64_t now_us = monotonic_us();
    if (!step->program.terminal)
        return STDIN_WINDOW;
    if (now_us >= step->type_us) {
        int64_t helpings = (now_us - step->type_us) / TYPE_US + 1;
        int64_t grown = (int64_t)step->typed_left + helpings * TYPED_PER_SECOND_BYTES / (1000 * 1000 / TYPE_US);
        step->typed_left = (size_t)earlier(grown, TYPED_AT_ONCE_BYTES);
        step->type_us += helpings * TYPE_US;
    }
    return step->typed_left;
}

void step_pump_input(struct step *step)
{
    if (step->input->length == 0 && !step->input->closing)
        return;
    size_t written = stdin_pump(step->input, &step->program.in, most_input(step));
    if (step->program.terminal)
        step->typed_left -= written;
}

bool step_has_input(const struct step *step)
{
    return step->input->length > 0 && (!step->program.terminal || step->typed_left > 0);
}

void step_feed(struct step *step, const uint8_t *bytes, size_t length)
{
    stdin_append(step->input, bytes, length);
    step_pump_input(step);
}

static void send_result(struct step *step, const struct result *result)
{
    queue_add(put_result(queue_room_for_frame(), result));
    step->phase = IDLE;
}

/* Whether the kernel has ended it for RLIMIT_CPU, which it does only where the runner came too late. */
static bool ended_by_kernel_for(const struct step *step, enum reason limit)
{
    const struct main_process *main = &step->processes->main;
    if (!WIFSIGNALED(main->status) || WTERMSIG(main->status) != SIGKILL)
        return false;
    if (limit == WALL)
        return main->ended_us >= step->deadline_us;
    return step->cpu_limit_us > 0 && meter_cpu_us(&step->processes->meter) >= step->cpu_limit_us;
}

/* The first reason counts, but a program that ended by itself may yet turn out to have been ended by the kernel. */
static enum reason final_reason(const struct step *step)
{
    int status = step->processes->main.status;
    if (step->reason != EXITED)
        return step->reason;
    if (!(WIFEXITED(status) && WEXITSTATUS(status) == 0) && meter_oom(&step->processes->meter))
        return MEMORY;
    if (step->cut[0] || step->cut[1])
        return OUTPUT;
    if (ended_by_kernel_for(step, WALL))
        return WALL;
    if (ended_by_kernel_for(step, CPU))
        return CPU;
    return WIFSIGNALED(status) ? SIGNALED : EXITED;
}

static void conclude(struct step *step)
{
    const struct main_process *main = &step->processes->main;
    struct meter *meter = &step->processes->meter;
    int number = WIFSIGNALED(main->status) ? WTERMSIG(main->status) : 0;
    struct result result = {
        .reason = (uint8_t)final_reason(step),
        .exit_code = (uint8_t)(WIFEXITED(main->status) ? WEXITSTATUS(main->status) : 0),
        /* Whom the warning ended, the runner has. */
        .signal = (uint8_t)(step->warned && number == WARNING ? SIGKILL : number),
        .flags =
            (uint8_t)(step->cut[0] * RESULT_STDOUT_CUT | step->cut[1] * RESULT_STDERR_CUT | step->ahead * RESULT_AHEAD),
        .wall_us = (uint64_t)(main->ended_us - step->started_us),
        .cpu_us = (uint64_t)meter_cpu_us(meter),
        .peak_memory_bytes = meter_peak_bytes(meter),
    };
    launch_close_streams(&step->program);
    meter_restart(meter);
    send_result(step, &result);
}

void step_drain(struct step *step)
{
    for (int stream = 0; stream < 2; stream++)
        while (step->program.streams[stream] >= 0) {
            if (!queue_has_room_for_output())
                return;
            if (!take_output(step, stream))
                close_fd(&step->program.streams[stream]);
        }
    conclude(step);
}

/* Whatever the program has not read of its stdin goes without a word: the window is full again at the next step. */
static void finish(struct step *step, enum reason reason)
{
    if (!step->warned)
        step->reason = reason;
    processes_end(step->processes);
    if (!step->processes->main.gone)
        refuse("the main process was not reaped");
    step->processes->main.pid = 0;
    stdin_reset(step->input);
    close_fd(&step->program.in);
    step->phase = DRAINING;
}

void step_kill(struct step *step)
{
    /* It may have ended by itself, and the signal that says so is still to be read. */
    processes_reap(step->processes);
    finish(step, step->processes->main.gone ? EXITED : KILLED);
}

/* To a whole process group, as a terminal's keys do it; who leads none gets it alone. */
static void tell(pid_t group, int number)
{
    /* 1 would be everybody, and 0 ourselves. */
    if (group > 1 && kill(-group, number) && errno == ESRCH)
        kill(group, number);
}

void step_signal(const struct step *step, int number)
{
    pid_t main = step->processes->main.gone ? 0 : step->processes->main.pid;
    pid_t foreground = step->program.terminal ? terminal_foreground(step->program.streams[0]) : 0;
    tell(foreground ? foreground : main, number);
    if (number != SIGHUP)
        return;
    /* The line is gone: that is the session leader's to hear, and nobody's to sleep through. */
    if (foreground && foreground != main)
        tell(main, number);
    tell(foreground, SIGCONT);
    tell(main, SIGCONT);
}

void step_resize(const struct step *step, const struct terminal_size *size)
{
    if (step->program.terminal)
        terminal_resize(step->program.streams[0], size);
}

static bool cpu_limit_met(struct step *step, int64_t now_us)
{
    if (step->cpu_limit_us == 0 || now_us < step->cpu_check_us)
        return false;
    int64_t left_us = step->cpu_limit_us - meter_cpu_us(&step->processes->meter);
    int64_t earliest_us = left_us / step->processors;
    step->cpu_check_us = now_us + (earliest_us > CPU_CHECK_US ? earliest_us : CPU_CHECK_US);
    return left_us <= 0;
}

/* Their buffers are memory that the container was not charged for; a look at intervals lets little more through. */
static bool too_many_sockets(struct step *step, int64_t now_us)
{
    if (now_us < step->socket_check_us)
        return false;
    step->socket_check_us = now_us + SOCKET_CHECK_US;
    return meter_sockets() > MAX_SOCKETS;
}

/* A limit of time is met. Where somebody catches the warning the end comes a moment later, whatever is done in it. */
static void out_of_time(struct step *step, enum reason reason, int64_t now_us)
{
    if (!processes_warn(step->processes)) {
        finish(step, reason);
        return;
    }
    step->reason = reason;
    step->warned = true;
    step->end_us = now_us + LAST_WORDS_US;
}

/* Where the kernel has no limit for it. */
static bool too_much_memory(struct step *step, int64_t now_us)
{
    if (now_us < step->memory_check_us)
        return false;
    step->memory_check_us = now_us + MEMORY_CHECK_US;
    return meter_memory_bytes(&step->processes->meter) > step->memory_bytes;
}

void step_watch(struct step *step)
{
    int64_t now_us = monotonic_us();
    if (step->processes->main.gone)
        finish(step, EXITED);
    else if (step->cut[0] || step->cut[1])
        finish(step, OUTPUT);
    else if (too_many_sockets(step, now_us) || too_much_memory(step, now_us))
        finish(step, MEMORY);
    else if (step->warned && now_us >= step->end_us)
        finish(step, step->reason);
    else if (!step->warned && now_us >= step->deadline_us)
        out_of_time(step, WALL, now_us);
    else if (!step->warned && cpu_limit_met(step, now_us))
        out_of_time(step, CPU, now_us);
}

int64_t step_wake_us(const struct step *step)
{
    int64_t wake_us = step->warned ? step->end_us : step->deadline_us;
    if (step->cpu_limit_us > 0 && !step->warned)
        wake_us = earlier(wake_us, step->cpu_check_us);
    if (step_gathers_output(step))
        wake_us = earlier(wake_us, step->read_us);
    if (step->program.terminal && step->input->length > 0 && step->typed_left == 0)
        wake_us = earlier(wake_us, step->type_us);
    return earlier(wake_us, earlier(step->socket_check_us, step->memory_check_us));
}

static void report_not_started(struct step *step, const struct step_frame *frame, enum launched launched)
{
    struct result result = {
        .reason = NOT_STARTED,
        .exit_code = launched == NOT_FOUND ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE,
    };
    snprintf(result.detail, sizeof(result.detail), "%.200s: %s", frame->argv[0], strerror(errno));
    send_result(step, &result);
}

/* A fork of what was started ahead where that fits, else the program itself. */
static enum launched launch_program(struct step *step, const struct step_frame *frame, int work)
{
    const struct account *account = &step->processes->account;
    step->ahead = forkserver_launch(&step->processes->server, frame, account, &step->program);
    return step->ahead ? LAUNCHED : launch(frame, account, work, &step->program);
}

static void take_limits(struct step *step, const struct step_frame *frame)
{
    step->output_left[0] = step->output_left[1] = frame->output_bytes;
    step->started_us = monotonic_us();
    step->deadline_us = step->started_us + (int64_t)frame->wall_ms * 1000;
    step->cpu_limit_us = (int64_t)frame->cpu_ms * 1000;
    step->cpu_check_us = step->started_us + step->cpu_limit_us / step->processors;
    step->socket_check_us = meter_watches_sockets() ? step->started_us + SOCKET_CHECK_US : INT64_MAX;
    step->memory_bytes = frame->memory_bytes;
    step->memory_check_us = meter_watches_memory() && frame->memory_bytes ? step->started_us : INT64_MAX;
}

void step_start(struct step *step, const struct step_frame *frame, int work)
{
    *step = (struct step){.processes = step->processes, .input = step->input, .processors = step->processors};
    step->processes->main = (struct main_process){0};
    stdin_reset(step->input);
    take_limits(step, frame);
    step->typed_left = TYPED_AT_ONCE_BYTES;
    step->type_us = step->started_us + TYPE_US;
    enum launched launched = launch_program(step, frame, work);
    if (launched == LAUNCH_BROKEN)
        die("start a program");
    if (launched != LAUNCHED) {
        report_not_started(step, frame, launched);
        return;
    }
    step->processes->main.pid = step->program.pid;
    step->phase = RUNNING;
}
