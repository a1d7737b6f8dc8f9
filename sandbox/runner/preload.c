/*
 * preload: the part of the fork server that lives in the interpreter; see forkserver.h for the theory of operation.
 *
 * It is linked against no C library, so that it fits into any image's: the few functions that it calls are found in
 * whichever library the interpreter has. It changes nothing before the interpreter opens its script, and after the fork
 * nothing of it runs again.
 *
 * Where there are cells, this process waits outside of them, and its forks are born in the one that the request comes
 * from. To be born among a cell's processes is asked for before, and the other namespaces are entered by who is born
 * there. A process' parent is who made it, wherever that is, and the runner, which is process 1 of the cell, has to be
 * this one's: so between the two there is one that enters, forks and ends, whose child is process 1's then. It costs
 * little, since it has no memory of its own.
 */
#define _GNU_SOURCE
#include "preload.h"

#include "embed.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KERNEL_SIGSET_BYTES = 8, PASSED = STREAMS + NAMESPACES };

static const char *script;

/* What a program in a cell may not ask of the kernel, beside what is refused to this process as well (filter.c). */
EMBED(cell_filter, "cell.bpf");

/* Where programs begin, and the /proc in which this process is. */
static char work[512];
static int proc = -1;

/*
 * What a fork must take over of the thread that forks. The C library's fork() would do it, but it makes a child of this
 * process, and this one is to be the runner's. The kernel clears the word at `tid` and wakes who waits for it when the
 * thread ends, and writes the child's number there, which the C library believes in; the robust list says which locks a
 * thread that dies holds, and a fork begins without one, so a lock that is shared with others would never be free
 * again.
 */
static struct {
    void *tid;
    void *robust_list;
    size_t robust_size;
} thread;

static const char *value_of(const char *variable, const char *name)
{
    size_t length = strlen(name);
    return strncmp(variable, name, length) == 0 && variable[length] == '=' ? variable + length + 1 : NULL;
}

/*
 * Before any code of the interpreter's: it, and what it starts, find the environment that the step has. Not being
 * dumpable keeps programs away from what they inherit of the server, from its memory and its descriptors.
 */
__attribute__((constructor)) static void take_variables(void)
{
    char **kept = environ;
    for (char **variable = environ; *variable; variable++) {
        const char *value = value_of(*variable, SCRIPT_VARIABLE);
        if (value)
            script = value;
        else if (!value_of(*variable, "LD_PRELOAD"))
            *kept++ = *variable;
    }
    *kept = NULL;
    close(PRELOAD_FD);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* How many descriptors came with it: those of the streams, and of namespaces where they are asked for. */
static int passed_with(const struct request *request)
{
    return request->in_cell ? PASSED : STREAMS;
}

static int receive(struct request *request, int *ends)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(PASSED * sizeof(int))];
    } control;
    struct iovec vector = {request, sizeof(*request)};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    ssize_t length;
    do
        length = recvmsg(CONTROL_FD, &message, MSG_CMSG_CLOEXEC);
    while (length < 0 && errno == EINTR);
    if (length != sizeof(*request) || message.msg_controllen == 0)
        return 0;
    size_t size = (size_t)passed_with(request) * sizeof(int);
    if (control.header.cmsg_len != CMSG_LEN(size))
        return 0;
    memcpy(ends, CMSG_DATA(&control.header), size);
    return 1;
}

static int limit(int resource, uint64_t value)
{
    struct rlimit current;
    if (syscall(SYS_prlimit64, 0, resource, NULL, &current))
        return 0;
    if (value > current.rlim_max)
        value = current.rlim_max;
    return !syscall(SYS_prlimit64, 0, resource, &(struct rlimit){value, value}, NULL);
}

/* A change between two users who are not root clears no capability: it is given up by hand, and after the change. */
static int drop_privileges(uid_t uid)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}, {0}};
    return !syscall(SYS_setresuid, uid, uid, uid) && !prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) &&
           !syscall(SYS_capset, &header, none);
}

static int write_own(const char *name, const char *text)
{
    long fd = syscall(SYS_openat, proc, name, O_WRONLY | O_CLOEXEC);
    int written = fd >= 0 && write((int)fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close((int)fd);
    return written;
}

/* Ends with what process 1 of the cell has as well. Without /proc the kernel picks its victim by size alone. */
static int enter_cell(const struct request *request)
{
    struct sock_fprog program = {(unsigned short)(cell_filter_size / sizeof(struct sock_filter)),
                                 (struct sock_filter *)cell_filter};
    write_own("self/oom_score_adj", "1000");
    if (request->confined && !write_own("self/attr/apparmor/current", PROGRAM_PROFILE))
        return errno ? errno : EACCES;
    /* Until then the one between is its parent, which a program could see. */
    while (syscall(SYS_getppid) != 1)
        syscall(SYS_sched_yield);
    if (syscall(SYS_chdir, work) || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
        return errno;
    return 0;
}

/* In the child. As in launch.c: what is its own, then its limits, then its user; 0, or errno. */
static int become_program(const struct request *request, const int *ends)
{
    for (int i = 0; i < STREAMS; i++)
        if (syscall(SYS_dup3, ends[i], i, 0) < 0)
            return errno;
    if (setsid() < 0 || !limit(RLIMIT_FSIZE, request->file_size_bytes) || !limit(RLIMIT_NOFILE, request->open_files) ||
        !limit(RLIMIT_CPU, request->cpu_seconds))
        return errno;
    if (thread.robust_list)
        syscall(SYS_set_robust_list, thread.robust_list, thread.robust_size);
    if (!drop_privileges(request->uid) || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
        return errno;
    return request->in_cell ? enter_cell(request) : 0;
}

static void reply(int pid, int error)
{
    struct reply reply = {pid, error};
    if (write(CONTROL_FD, &reply, sizeof(reply)) != sizeof(reply))
        syscall(SYS_exit_group, 1);
}

/* The second is for what should never be there, and older kernels do not know it. */
static void close_files(const int *ends, int count)
{
    for (int i = 0; i < count; i++)
        close(ends[i]);
    close(proc);
    close(CONTROL_FD);
    syscall(SYS_close_range, CONTROL_FD, ~0U, 0);
}

/*
 * No stack is named, so the child goes on upon its copy of this one, and the call returns twice, as fork does.
 */
static long fork_with(unsigned long flags)
{
    flags |= SIGCHLD | (thread.tid ? CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID : 0);
#if defined(__x86_64__)
    return syscall(SYS_clone, flags, NULL, NULL, thread.tid, NULL);
#else
    return syscall(SYS_clone, flags, NULL, NULL, NULL, thread.tid);
#endif
}

/*
 * CLONE_PARENT makes the child the runner's, like every program: the runner reaps it, learns how it ended and what it
 * used, and the program sees process 1 as its parent, as any other does.
 */
static long fork_for_the_runner(void)
{
    return fork_with(CLONE_PARENT);
}

/*
 * Into a cell. What this process' children are born among stays the cell's until the next request: the way back would
 * take a right over the container's own. The one between shares this process' memory, which waits until it has ended;
 * what it writes lies where both find it. The program has its own copy of all, and returns from here in it.
 */
static __attribute__((noinline)) long fork_into_cell(const int *namespaces)
{
    static volatile int failed;
    failed = 0;
    if (syscall(SYS_setns, namespaces[0], CLONE_NEWPID))
        return -1;
    pid_t between = vfork();
    if (between == 0) {
        for (int i = 1; i < NAMESPACES && !failed; i++)
            if (syscall(SYS_setns, namespaces[i], 0))
                failed = errno;
        long pid = failed ? -1 : fork_with(0);
        if (pid == 0)
            return 0;
        if (pid < 0 && !failed)
            failed = errno;
        syscall(SYS_exit, 0);
    }
    if (between < 0)
        failed = errno;
    else
        syscall(SYS_wait4, between, NULL, 0, NULL);
    errno = failed;
    return failed ? -1 : 1;
}

static void look_at_thread(void)
{
    if (prctl(PR_GET_TID_ADDRESS, &thread.tid, 0, 0, 0))
        thread.tid = NULL;
    if (syscall(SYS_get_robust_list, 0, &thread.robust_list, &thread.robust_size))
        thread.robust_list = NULL;
}

/* What it takes to enter cells is of no use to what is executed from here on. Where that is not there, nor are cells.
 */
static void prepare_for_cells(void)
{
    static const int RIGHTS[] = {CAP_SYS_ADMIN, CAP_SYS_CHROOT, CAP_SETPCAP};
    for (unsigned i = 0; i < sizeof(RIGHTS) / sizeof(RIGHTS[0]); i++)
        prctl(PR_CAPBSET_DROP, RIGHTS[i], 0, 0, 0);
    syscall(SYS_getcwd, work, sizeof(work));
    proc = (int)syscall(SYS_openat, AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Returns in each program that was forked, and never in the server. */
static void serve(void)
{
    static const unsigned long every_signal = ~0UL;
    unsigned long mask;
    struct request request;
    int ends[PASSED];

    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &every_signal, &mask, KERNEL_SIGSET_BYTES);
    look_at_thread();
    prepare_for_cells();
    if (write(CONTROL_FD, "", 1) != 1)
        syscall(SYS_exit_group, 1);
    while (receive(&request, ends)) {
        long pid = request.in_cell ? fork_into_cell(ends + STREAMS) : fork_for_the_runner();
        if (pid == 0) {
            int error = become_program(&request, ends);
            reply((int)syscall(SYS_getpid), error);
            if (error)
                syscall(SYS_exit_group, 1);
            close_files(ends, passed_with(&request));
            syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, KERNEL_SIGSET_BYTES);
            return;
        }
        if (pid < 0)
            reply(0, errno);
        for (int i = 0; i < passed_with(&request); i++)
            close(ends[i]);
    }
    syscall(SYS_exit_group, 0);
}

/* By its name alone, or with the work directory in front of it: some interpreters complete the name first. */
static int names_script(const char *path)
{
    char directory[sizeof(work)];
    if (path[0] != '/')
        return strcmp(path, script) == 0;
    long length = syscall(SYS_getcwd, directory, sizeof(directory)) - 1;
    return length > 0 && strncmp(path, directory, (size_t)length) == 0 && path[length] == '/' &&
           strcmp(path + length + 1, script) == 0;
}

/* Once: the program may open its own script again. */
static void intercept(const char *path)
{
    if (!script || !path || !names_script(path))
        return;
    script = NULL;
    serve();
}

/*
 * Interpreters that are written on the C library's streams open their script with fopen, late enough: what an embedding
 * program sets up is set up by then. A function in front of the library's own is found first by name, so it takes the
 * place of it for the interpreter's calls. It does not for the library's calls to itself, nor for open() and openat():
 * an interpreter that opens its script with those, or a C library whose fopen the interpreter has built in, never comes
 * by here. Then the start is in vain and steps are executed as ever; nothing else breaks.
 */
typedef FILE *fopen_function(const char *path, const char *mode);

FILE *fopen(const char *path, const char *mode)
{
    intercept(path);
    return ((fopen_function *)dlsym(RTLD_NEXT, "fopen"))(path, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
    intercept(path);
    return ((fopen_function *)dlsym(RTLD_NEXT, "fopen64"))(path, mode);
}
