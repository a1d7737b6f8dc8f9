/*
 * preload: the part of the fork server that lives in the interpreter; see forkserver.h for the theory of operation.
 *
 * It is linked against no C library, so that it fits into any image's: the few functions that it calls are found in
 * whichever library the interpreter has. It changes nothing before the interpreter opens its script, and after the fork
 * nothing of it runs again.
 */
#define _GNU_SOURCE
#include "preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { KERNEL_SIGSET_BYTES = 8 };

static const char *script;

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

static int receive(struct request *request, int *ends)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(STREAMS * sizeof(int))];
    } control;
    struct iovec vector = {request, sizeof(*request)};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    ssize_t length;
    do
        length = recvmsg(CONTROL_FD, &message, MSG_CMSG_CLOEXEC);
    while (length < 0 && errno == EINTR);
    if (length != sizeof(*request) || message.msg_controllen < CMSG_LEN(STREAMS * sizeof(int)))
        return 0;
    memcpy(ends, CMSG_DATA(&control.header), STREAMS * sizeof(int));
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
    return 0;
}

static void reply(int pid, int error)
{
    struct reply reply = {pid, error};
    if (write(CONTROL_FD, &reply, sizeof(reply)) != sizeof(reply))
        syscall(SYS_exit_group, 1);
}

/* The second is for what should never be there, and older kernels do not know it. */
static void close_files(const int *ends)
{
    for (int i = 0; i < STREAMS; i++)
        close(ends[i]);
    close(CONTROL_FD);
    syscall(SYS_close_range, CONTROL_FD, ~0U, 0);
}

/*
 * CLONE_PARENT makes the child the runner's, like every program: the runner reaps it, learns how it ended and what it
 * used, and the program sees process 1 as its parent, as any other does. No stack is named, so the child goes on upon
 * its copy of this one, and the call returns twice, as fork does.
 */
static long fork_for_the_runner(void)
{
    unsigned long flags = CLONE_PARENT | SIGCHLD | (thread.tid ? CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID : 0);
#if defined(__x86_64__)
    return syscall(SYS_clone, flags, NULL, NULL, thread.tid, NULL);
#else
    return syscall(SYS_clone, flags, NULL, NULL, NULL, thread.tid);
#endif
}

static void look_at_thread(void)
{
    if (prctl(PR_GET_TID_ADDRESS, &thread.tid, 0, 0, 0))
        thread.tid = NULL;
    if (syscall(SYS_get_robust_list, 0, &thread.robust_list, &thread.robust_size))
        thread.robust_list = NULL;
}

/* Returns in each program that was forked, and never in the server. */
static void serve(void)
{
    static const unsigned long every_signal = ~0UL;
    unsigned long mask;
    struct request request;
    int ends[STREAMS];

    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &every_signal, &mask, KERNEL_SIGSET_BYTES);
    look_at_thread();
    if (write(CONTROL_FD, "", 1) != 1)
        syscall(SYS_exit_group, 1);
    while (receive(&request, ends)) {
        long pid = fork_for_the_runner();
        if (pid == 0) {
            int error = become_program(&request, ends);
            reply((int)syscall(SYS_getpid), error);
            if (error)
                syscall(SYS_exit_group, 1);
            close_files(ends);
            syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, KERNEL_SIGSET_BYTES);
            return;
        }
        if (pid < 0)
            reply(0, errno);
        for (int i = 0; i < STREAMS; i++)
            close(ends[i]);
    }
    syscall(SYS_exit_group, 0);
}

/* By its name alone, or with the work directory in front of it: some interpreters complete the name first. */
static int names_script(const char *path)
{
    char work[512];
    if (path[0] != '/')
        return strcmp(path, script) == 0;
    long length = syscall(SYS_getcwd, work, sizeof(work)) - 1;
    return length > 0 && strncmp(path, work, (size_t)length) == 0 && path[length] == '/' &&
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
