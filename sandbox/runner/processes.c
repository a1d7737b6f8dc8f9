/* processes: see processes.h for the theory of operation. */
#define _GNU_SOURCE
#include "processes.h"

#include "clock.h"
#include "fault.h"
#include "signals.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
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

/* Without a server the kernel answers for less than a look through /proc costs. */
bool processes_alone(const struct processes *processes)
{
    if (processes->server.ready)
        return alone_but_for(processes->server.pid);
    return kill(-1, 0) && errno == ESRCH;
}

/*
 * True when there was nobody to kill. With the program's effective user, and so without CAP_KILL, the runner may signal
 * whom the program may; its real user stays root, whom no other process has. A change of users may make the runner
 * readable for its equals again, by the system's setting.
 */
static bool kill_programs(const struct processes *processes)
{
    bool nobody;
    if (!processes->server.ready)
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
