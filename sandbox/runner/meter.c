/* meter: see meter.h for the theory of operation. */
#define _GNU_SOURCE
#include "meter.h"

#include "clock.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * One number of the control group: in which file it may be, after which word, and how many of it make one of ours (the
 * first version counts CPU time in nanoseconds). The files of version 2 are looked for first; a list ends with NULL.
 */
struct counter {
    const char *path;
    const char *word;
    uint64_t divisor;
};

struct source {
    int fd;
    const struct counter *counter;
};

static const struct counter CPU_COUNTERS[] = {
    {"/sys/fs/cgroup/cpu.stat", "usage_usec ", 1},
    {"/sys/fs/cgroup/cpuacct/cpuacct.usage", "", 1000},
    {"/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage", "", 1000},
    {NULL, NULL, 0},
};

static const struct counter OOM_COUNTERS[] = {
    {"/sys/fs/cgroup/memory.events", "oom_kill ", 1},
    {"/sys/fs/cgroup/memory/memory.oom_control", "oom_kill ", 1},
    {NULL, NULL, 0},
};

static const struct counter PEAK_COUNTERS[] = {
    {"/sys/fs/cgroup/memory.peak", "", 1},
    {"/sys/fs/cgroup/memory/memory.max_usage_in_bytes", "", 1},
    {NULL, NULL, 0},
};

static const struct counter MEMORY_COUNTERS[] = {
    {"/sys/fs/cgroup/memory/memory.usage_in_bytes", "", 1},
    {NULL, NULL, 0},
};

static const struct counter SOCKET_COUNTERS[] = {
    {"/proc/net/sockstat", "sockets: used ", 1},
    {NULL, NULL, 0},
};

/* It is only there where control groups are of version 1, which charges no container for what lies in its sockets. */
static const char UNCHARGED[] = "/sys/fs/cgroup/memory/memory.oom_control";

enum {
    /* What the runner itself comes to hold after its start. */
    SLACK_BYTES = 8 * 1024 * 1024,
    BACK_LIMIT_US = 2 * 1000 * 1000,
    BACK_LOOK_US = 5 * 1000,
};

/* Of the container in which nothing has run yet. */
static uint64_t idle_bytes;

static bool charges_sockets;

static struct source cpu_source, oom_source, peak_source, socket_source, memory_source;

static bool read_counter(const struct source *source, uint64_t *value)
{
    char text[1024];
    ssize_t length = source->fd < 0 ? -1 : pread(source->fd, text, sizeof(text) - 1, 0);
    if (length <= 0)
        return false;
    text[length] = 0;
    /* "oom_kill " also ends "oom_group_kill ": the word is at the start of a line. */
    for (char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, source->counter->word, strlen(source->counter->word)) == 0) {
            *value = strtoull(line + strlen(source->counter->word), NULL, 10) / source->counter->divisor;
            return true;
        }
    }
    return false;
}

static void open_source(struct source *source, const struct counter *counter)
{
    uint64_t value;
    for (; counter->path; counter++) {
        source->counter = counter;
        source->fd = open(counter->path, O_RDONLY | O_CLOEXEC);
        if (source->fd >= 0 && read_counter(source, &value))
            return;
        if (source->fd >= 0)
            close(source->fd);
    }
    source->fd = -1;
}

static int64_t timeval_us(const struct timeval *time)
{
    return (int64_t)time->tv_sec * 1000000 + time->tv_usec;
}

/* user and system time, own and of waited-for children: fields 14 to 17 of /proc/<pid>/stat. */
static int64_t process_cpu_us(const char *pid)
{
    char path[64], text[1024];
    long long ticks[4] = {0};
    snprintf(path, sizeof(path), "/proc/%.16s/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    if (length <= 0)
        return 0;
    text[length] = 0;
    const char *fields = strrchr(text, ')');
    if (!fields || sscanf(fields, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld %lld %lld", &ticks[0],
                          &ticks[1], &ticks[2], &ticks[3]) != 4)
        return 0;
    return (ticks[0] + ticks[1] + ticks[2] + ticks[3]) * 1000000 / sysconf(_SC_CLK_TCK);
}

static int64_t walk_cpu_us(void)
{
    int64_t total = 0;
    DIR *proc = opendir("/proc");
    if (!proc)
        return 0;
    for (struct dirent *entry; (entry = readdir(proc));)
        if (isdigit((unsigned char)entry->d_name[0]) && strcmp(entry->d_name, "1") != 0)
            total += process_cpu_us(entry->d_name);
    closedir(proc);
    return total;
}

/* Asking for the own time first makes the kernel charge the running slice, so that both numbers are of one moment. */
static bool group_cpu_us(int64_t *value)
{
    uint64_t total;
    int64_t own = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    if (!read_counter(&cpu_source, &total))
        return false;
    *value = (int64_t)total - own;
    return true;
}

void meter_open(void)
{
    open_source(&cpu_source, CPU_COUNTERS);
    open_source(&oom_source, OOM_COUNTERS);
    open_source(&peak_source, PEAK_COUNTERS);
    memory_source.fd = -1;
    if (oom_source.fd < 0)
        open_source(&memory_source, MEMORY_COUNTERS);
    read_counter(&memory_source, &idle_bytes);
    charges_sockets = access(UNCHARGED, F_OK) != 0;
}

void meter_open_sockets(void)
{
    socket_source.fd = -1;
    if (!charges_sockets)
        open_source(&socket_source, SOCKET_COUNTERS);
}

void meter_reaped(struct meter *meter, const struct rusage *usage)
{
    uint64_t bytes = (uint64_t)usage->ru_maxrss * 1024;
    meter->reaped_cpu_us += timeval_us(&usage->ru_utime) + timeval_us(&usage->ru_stime);
    if (bytes > meter->largest_bytes)
        meter->largest_bytes = bytes;
}

int64_t meter_cpu_us(const struct meter *meter)
{
    int64_t now;
    if (group_cpu_us(&now))
        return now > meter->cpu_us ? now - meter->cpu_us : 0;
    return meter->reaped_cpu_us + walk_cpu_us();
}

bool meter_oom(const struct meter *meter)
{
    uint64_t now;
    return read_counter(&oom_source, &now) && now > meter->oom_kills;
}

uint64_t meter_peak_bytes(const struct meter *meter)
{
    uint64_t now;
    if (meter_watches_memory())
        return meter->peak_bytes;
    return read_counter(&peak_source, &now) && now > meter->peak_bytes ? now : meter->largest_bytes;
}

bool meter_watches_sockets(void)
{
    return socket_source.fd >= 0;
}

uint64_t meter_sockets(void)
{
    uint64_t now;
    return read_counter(&socket_source, &now) ? now : 0;
}

bool meter_watches_memory(void)
{
    return memory_source.fd >= 0;
}

uint64_t meter_memory_bytes(struct meter *meter)
{
    uint64_t now;
    if (!read_counter(&memory_source, &now))
        return 0;
    if (now > meter->peak_bytes)
        meter->peak_bytes = now;
    return now;
}

void meter_await_memory(uint64_t held_bytes)
{
    int64_t end_us = monotonic_us() + BACK_LIMIT_US;
    uint64_t now;
    while (read_counter(&memory_source, &now) && now > idle_bytes + held_bytes + SLACK_BYTES && monotonic_us() < end_us)
        usleep(BACK_LOOK_US);
}

void meter_restart(struct meter *meter)
{
    memset(meter, 0, sizeof(*meter));
    group_cpu_us(&meter->cpu_us);
    read_counter(&oom_source, &meter->oom_kills);
    read_counter(&peak_source, &meter->peak_bytes);
}
