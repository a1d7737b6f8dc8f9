/* processes: see processes.h for the theory of operation. */
#define _GNU_SOURCE
#include "processes.h"

#include "clock.h"
#include "fault.h"
#include "signals.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    /*
     * A killed process ends at once, unless the kernel holds it: while it gives much memory back, or where thousands
     * end on few processors. One that is still there after this is stuck, and nothing but the end of the container
     * helps.
     */
    END_LIMIT_US = 10 * 1000 * 1000,
    /* A child's end wakes the runner by itself. This is for a fork that was under way and for children of children. */
    KILL_AGAIN_MS = 20,
};

bool processes_reap(struct processes *processes)
{
    struct rusage usage;
    int status;
    pid_t pid;
    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        meter_reaped(&processes->meter, &usage);
        if (pid == processes->server.pid)
            forkserver_reaped(&processes->server);
        if (pid == processes->main.pid) {
            processes->main.gone = true;
            processes->main.status = status;
            processes->main.ended_us = monotonic_us();
        }
    }
    return pid == 0;
}

/* The next process that is neither process 1, nor this one, nor the server; 0 after the last. */
static pid_t next_program(DIR *proc, pid_t server)
{
    for (struct dirent *entry; (entry = readdir(proc));) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)atol(entry->d_name) : 0;
        if (pid > 1 && pid != server && pid != getpid())
            return pid;
    }
    return 0;
}

static bool alone_but_for(pid_t server)
{
    DIR *proc = opendir("/proc");
    if (!proc)
        return false;
    bool alone = next_program(proc, server) == 0;
    closedir(proc);
    return alone;
}

bool processes_alone_with(pid_t server)
{
    return alone_but_for(server);
}

/* Without a server the kernel answers for less than a look through /proc costs. */
bool processes_alone(const struct processes *processes)
{
    if (forkserver_is_here(&processes->server))
        return alone_but_for(processes->server.pid);
    return kill(-1, 0) && errno == ESRCH;
}

/*
 * By the kernel's own account: who has no handler would die of the signal, and loses nothing by SIGKILL. Who catches
 * the one before as well, as Go's runtime does, catches whatever there is, and means nothing by it.
 */
static bool catches_warning(pid_t pid)
{
    static const char FIELD[] = "\nSigCgt:";
    char path[32], status[4096];
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, status, sizeof(status) - 1);
    if (fd >= 0)
        close(fd);
    status[length < 0 ? 0 : length] = 0;
    const char *field = strstr(status, FIELD);
    return field && strtoull(field + strlen(FIELD), NULL, 16) >> (WARNING - 2) == 2;
}

bool processes_warn(const struct processes *processes)
{
    bool somebody = false;
    DIR *proc = opendir("/proc");
    if (!proc)
        return false;
    for (pid_t pid; (pid = next_program(proc, processes->server.pid));)
        if (catches_warning(pid) && !kill(pid, WARNING))
            somebody = true;
    closedir(proc);
    return somebody;
}

/*
 * True when there was nobody to kill. With the program's effective user, and so without CAP_KILL, the runner may signal
 * whom the program may; its real user stays root, whom no other process has. A change of users may make the runner
 * readable for its equals again, by the system's setting.
 */
static bool kill_programs(const struct processes *processes)
{
    bool nobody;
    if (!forkserver_is_here(&processes->server))
        return kill(-1, SIGKILL) && errno == ESRCH;
    if (syscall(SYS_setresuid, -1, processes->account.uid, -1))
        die("take the program's user");
    nobody = kill(-1, SIGKILL) && errno == ESRCH;
    if (syscall(SYS_setresuid, -1, 0, -1))
        end_container(1);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return nobody;
}

void processes_end(struct processes *processes)
{
    int64_t deadline_us = monotonic_us() + END_LIMIT_US;
    for (;;) {
        bool nobody = kill_programs(processes);
        bool childless = !processes_reap(processes);
        if ((childless && nobody) || processes_alone(processes))
            return;
        if (monotonic_us() > deadline_us)
            refuse("processes that cannot be killed");
        poll(&(struct pollfd){.fd = processes->signals, .events = POLLIN}, 1, KILL_AGAIN_MS);
        signals_read(processes->signals);
    }
}
