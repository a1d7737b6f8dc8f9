/* launch: see launch.h for the theory of operation. */
#define _GNU_SOURCE
#include "launch.h"

#include "fd.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What Docker gives to a program whose image names none. */
static const char DEFAULT_PATH[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/*
 * What the child needs, and the two words in which it replies: it runs in the parent's memory until it execs. They are
 * volatile because the parent's compiler sees nobody change them between the call of vfork and its return.
 */
struct plan {
    const struct step_frame *step;
    const struct account *account;
    int work;
    int ends[3];
    /* In their place, by its name. */
    const char *terminal;
    volatile int error;
    volatile bool reached_exec;
};

/* The container may have a lower hard limit, which the program's user cannot raise: it is a bound for what is asked. */
static bool limit(int resource, rlim_t value)
{
    struct rlimit current;
    if (getrlimit(resource, &current))
        return false;
    if (value > current.rlim_max)
        value = current.rlim_max;
    return !setrlimit(resource, &(struct rlimit){value, value});
}

static int procfs = -1;
static int processors = 1;

enum {
    /* So that the runner, which looks every few milliseconds, is always the first where it gets to run. */
    CPU_MARGIN_S = 2,
};

static int count_processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof(set), &set) ? (int)sysconf(_SC_NPROCESSORS_ONLN) : CPU_COUNT(&set);
    return count < 1 ? 1 : count;
}

int launch_processors(void)
{
    return processors;
}

uint64_t launch_cpu_seconds(const struct step_frame *step)
{
    uint64_t allowed_ms = step->cpu_ms ? step->cpu_ms : (uint64_t)step->wall_ms * (uint64_t)processors;
    return (allowed_ms + 999) / 1000 + CPU_MARGIN_S;
}

const char *launch_open(void)
{
    processors = count_processors();
    close_fd(&procfs);
    procfs = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return procfs < 0 ? "open /proc" : NULL;
}

int launch_open_proc(const char *path)
{
    return openat(procfs, path, O_WRONLY | O_CLOEXEC);
}

/*
 * Raising it needs no privilege, and programs, for whom /proc is read-only, cannot lower it again. Where there is no
 * such file, the kernel picks its victim by size alone. In a cell the files of a process that is undumpable belong to a
 * user whom nobody there is: until it is opened this one is dumpable, while nobody is there to make anything of it.
 */
void launch_offer_to_oom_killer(void)
{
    static const char NAME[] = "self/oom_score_adj";
    int fd = launch_open_proc(NAME);
    if (fd < 0 && errno == EACCES) {
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        fd = launch_open_proc(NAME);
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    }
    if (fd < 0)
        return;
    if (write(fd, "1000", 4) != 4)
        errno = 0;
    close(fd);
}

/* The C library's own calls would change every thread of the process, which here is the parent's memory. */
static bool change_user(const struct account *account)
{
    return !syscall(SYS_setgroups, 0, NULL) && !syscall(SYS_setresgid, account->gid, account->gid, account->gid) &&
           !syscall(SYS_setresuid, account->uid, account->uid, account->uid);
}

/* The first terminal that the leader of a session opens becomes its own, and its group the one in the foreground. */
static bool take_streams(const struct plan *plan)
{
    int opened = plan->terminal ? open(plan->terminal, O_RDWR) : -1;
    if (plan->terminal && opened < 0)
        return false;
    for (int i = 0; i < 3; i++)
        if (dup2(plan->terminal ? opened : plan->ends[i], i) < 0)
            return false;
    return true;
}

/*
 * What needs rights comes before the change of users, which gives them up. The signals come last: unblocked before, one
 * that is pending would end this child before it has told its parent anything.
 */
static bool prepare(const struct plan *plan)
{
    sigset_t none;
    sigemptyset(&none);
    if (setsid() < 0 || !take_streams(plan) || fchdir(plan->work) || setpriority(PRIO_PROCESS, 0, 0))
        return false;
    launch_offer_to_oom_killer();
    /* Everything else is close-on-exec; this is for what should never be there. */
    syscall(SYS_close_range, 3, ~0U, 0);
    if (!limit(RLIMIT_FSIZE, plan->step->file_size_bytes) || !limit(RLIMIT_NOFILE, plan->step->open_files) ||
        !limit(RLIMIT_CPU, launch_cpu_seconds(plan->step)))
        return false;
    if (plan->step->large_files_fail && sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL))
        return false;
    umask(022);
    return change_user(plan->account) && !sigprocmask(SIG_SETMASK, &none, NULL);
}

static const char *search_path(char *const *envp)
{
    for (; *envp; envp++)
        if (strncmp(*envp, "PATH=", 5) == 0)
            return *envp + 5;
    return DEFAULT_PATH;
}

/* Returns only when nothing of that name could be run; errno is then the most telling of the refusals. */
static void search_and_exec(char *const *argv, char *const *envp)
{
    static char candidate[2 * MAX_NAME_BYTES];
    int telling = ENOENT;
    for (const char *path = search_path(envp); path; path = *path ? path + 1 : NULL) {
        size_t length = strcspn(path, ":");
        int size = snprintf(candidate, sizeof(candidate), "%.*s/%s", (int)length, length ? path : ".", argv[0]);
        path += length;
        if (size < 0 || (size_t)size >= sizeof(candidate))
            continue;
        execve(candidate, argv, envp);
        if (errno != ENOENT && errno != ENOTDIR)
            telling = errno;
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
            break;
    }
    errno = telling;
}

void launch_exec(char *const *argv, char *const *envp)
{
    if (strchr(argv[0], '/'))
        execve(argv[0], argv, envp);
    else
        search_and_exec(argv, envp);
}

static _Noreturn void run_child(struct plan *plan)
{
    if (prepare(plan)) {
        plan->reached_exec = true;
        launch_exec(plan->step->argv, plan->step->envp);
    }
    plan->error = errno;
    _exit(127);
}

/*
 * Until it executes, the child runs in the runner's memory and upon its stack, while the runner waits. So it calls
 * nothing of the C library that keeps state or speaks to other threads, and this function is not inlined: what the
 * child writes lies in frames below the caller's, whose variables stay what they were.
 */
static __attribute__((noinline)) pid_t start(struct plan *plan)
{
    pid_t pid = vfork();
    if (pid == 0)
        run_child(plan);
    return pid;
}

/* A pipe of gVisor's belongs for good to whoever made it. No program runs that could signal the runner meanwhile. */
static bool open_pipe_as(uid_t uid, int ends[2])
{
    close(ends[0]);
    close(ends[1]);
    if (syscall(SYS_setresuid, -1, uid, -1))
        return false;
    int failed = pipe2(ends, O_CLOEXEC);
    bool back = !syscall(SYS_setresuid, -1, 0, -1) && !prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return back && !failed;
}

/*
 * A shell's `> /dev/stdout` opens the pipe anew, by its name in /proc, and for that its end must belong to the program.
 * The runner's ends do not block; the program's do, since a pipe's ends have flags of their own.
 */
static bool open_pipe(int *kept, int *given, bool to_program, const struct account *account)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) || (fchown(ends[0], account->uid, account->gid) && !open_pipe_as(account->uid, ends)))
        return false;
    *kept = ends[to_program ? 1 : 0];
    *given = ends[to_program ? 0 : 1];
    return !fcntl(*kept, F_SETFL, O_NONBLOCK);
}

static void close_all(int *fds, int count)
{
    for (int i = 0; i < count; i++)
        close_fd(&fds[i]);
}

bool launch_open_streams(struct program *program, int given[3], const struct account *account, bool merged)
{
    int kept[3] = {-1, -1, -1};
    bool opened = true;
    given[0] = given[1] = given[2] = -1;
    for (int i = 0; i < (merged ? 2 : 3) && opened; i++)
        opened = open_pipe(&kept[i], &given[i], i == 0, account);
    if (opened && merged)
        opened = (given[2] = fcntl(given[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) >= 0;
    if (!opened) {
        int error = errno;
        close_all(given, 3);
        close_all(kept, 3);
        errno = error;
    }
    program->in = kept[0];
    program->streams[0] = kept[1];
    program->streams[1] = kept[2];
    return opened;
}

void launch_close_streams(struct program *program)
{
    close_all(&program->in, 1);
    close_all(program->streams, 2);
}

enum launched launch(const struct step_frame *step, const struct account *account, int work, struct program *program)
{
    struct plan plan = {.step = step, .account = account, .work = work, .ends = {-1, -1, -1}};

    plan.terminal = program->terminal = step->on_terminal ? terminal_give(program, &step->size) : NULL;
    if (step->on_terminal ? !plan.terminal : !launch_open_streams(program, plan.ends, account, step->merged))
        return LAUNCH_BROKEN;
    program->pid = start(&plan);
    int error = program->pid < 0 ? errno : plan.error;
    close_all(plan.ends, 3);
    /* Changing the user in the shared memory may have made it readable again, by the system's setting. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (!error)
        return LAUNCHED;
    launch_close_streams(program);
    if (program->pid > 0)
        waitpid(program->pid, NULL, 0);
    errno = error;
    if (!plan.reached_exec)
        return LAUNCH_BROKEN;
    return error == ENOENT || error == ENOTDIR ? NOT_FOUND : NOT_EXECUTABLE;
}
