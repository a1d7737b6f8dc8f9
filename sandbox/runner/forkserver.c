/* forkserver: see forkserver.h for the theory of operation. */
#define _GNU_SOURCE
#include "forkserver.h"

#include "embed.h"
#include "fd.h"
#include "guard.h"
#include "processes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    /* An interpreter comes to its script in some tens of milliseconds; a slower one than this is done without. */
    START_LIMIT_MS = 1000,
    /* Of one that serves all cells, outside of any request. */
    OUTSIDE_LIMIT_MS = 3000,
    /* A fork takes less than a millisecond. This is for a machine that stands still: the server is lost after it. */
    FORK_LIMIT_MS = 5000,
    OWN_VARIABLES = 2,
};

enum {
    HERE = 1 << CAP_SETUID,
    /* SETPCAP is for taking the others away from what the forks could ever have. */
    OUTSIDE = HERE | 1 << CAP_SYS_ADMIN | 1 << CAP_SYS_CHROOT | 1 << CAP_SETPCAP,
};

/* The library travels inside the runner, so that no image has to have it. */
EMBED(preload, "preload.so");

/* There is one server in a container, and what it was started with has to last. */
static uint8_t payload[MAX_AHEAD_PAYLOAD];
static struct ahead_frame ahead;

struct plan {
    uid_t uid;
    const struct account *account;
    char **envp;
    int work;
    int streams[STREAMS];
    int control;
    int preload;
    uint32_t rights;
    volatile int error;
};

/*
 * The children change to the program's user, so the server needs CAP_SETUID, which exec takes from whoever is not root:
 * only an ambient capability is handed on to a program that knows nothing of it. It has to be inheritable for that, and
 * KEEPCAPS keeps it over the change of users before.
 */
static bool keep_only(uint32_t rights, uid_t uid)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}, {0}};
    data[0].permitted = data[0].effective = data[0].inheritable = rights;
    bool kept = !prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) && !syscall(SYS_setresuid, uid, uid, uid) &&
                !syscall(SYS_capset, &header, data);
    for (unsigned long right = 0; right < 32 && kept; right++)
        kept = !(rights >> right & 1) || !prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, right, 0, 0);
    return kept;
}

static bool prepare(const struct plan *plan)
{
    gid_t gid = plan->account->gid;
    sigset_t none;
    sigemptyset(&none);
    if (setsid() < 0 || fchdir(plan->work) || setpriority(PRIO_PROCESS, 0, 0))
        return false;
    /* One that serves all cells is worth more than a program of one of them. */
    if (plan->rights == HERE)
        launch_offer_to_oom_killer();
    for (int i = 0; i < STREAMS; i++)
        if (dup2(plan->streams[i], i) < 0)
            return false;
    if (dup2(plan->control, CONTROL_FD) < 0 || dup2(plan->preload, PRELOAD_FD) < 0)
        return false;
    syscall(SYS_close_range, PRELOAD_FD + 1, ~0U, 0);
    umask(022);
    return !syscall(SYS_setgroups, 0, NULL) && !syscall(SYS_setresgid, gid, gid, gid) &&
           keep_only(plan->rights, plan->uid) && !sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A vfork child, as in launch.c: it runs in the runner's memory until it executes. */
static __attribute__((noinline)) pid_t start(struct plan *plan)
{
    pid_t pid = vfork();
    if (pid == 0) {
        if (prepare(plan))
            launch_exec(ahead.argv, plan->envp);
        plan->error = errno;
        _exit(127);
    }
    return pid;
}

/* A file without a name, which LD_PRELOAD finds by its descriptor; sealed, so that its code stays what it is. */
static int preload_file(void)
{
    int fd = memfd_create("preload", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -1;
    if (write(fd, preload, preload_size) == (ssize_t)preload_size &&
        !fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
        return fd;
    close(fd);
    return -1;
}

static bool open_files(struct plan *plan, struct forkserver *server)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return false;
    server->control = ends[0];
    plan->control = ends[1];
    plan->preload = preload_file();
    /* An interpreter looks at what its streams are: they are pipes now as they will be. */
    for (int i = 0; i < STREAMS; i++) {
        if (pipe2(ends, O_CLOEXEC))
            return false;
        plan->streams[i] = ends[i == 0 ? 0 : 1];
        close(ends[i == 0 ? 1 : 0]);
    }
    return plan->preload >= 0;
}

static void forget(struct forkserver *server)
{
    close_fd(&server->control);
    server->pid = 0;
    server->ready = false;
}

/* The step's variables, and two that preload.c takes out again before the interpreter looks. */
static bool make_environment(char **envp)
{
    static char library[64], script[MAX_NAME_BYTES + sizeof(SCRIPT_VARIABLE) + 1];
    size_t count = 0;
    for (; ahead.envp[count]; count++) {
        if (strncmp(ahead.envp[count], "LD_PRELOAD=", strlen("LD_PRELOAD=")) == 0)
            return false;
        envp[count] = ahead.envp[count];
    }
    snprintf(library, sizeof(library), "LD_PRELOAD=/proc/self/fd/%d", PRELOAD_FD);
    snprintf(script, sizeof(script), "%s=%s", SCRIPT_VARIABLE, ahead.script);
    envp[count] = library;
    envp[count + 1] = script;
    envp[count + OWN_VARIABLES] = NULL;
    return true;
}

bool forkserver_knows(const struct frame *frame)
{
    struct frame copy = {.type = frame->type, .payload = payload, .length = frame->length};
    if (frame->length > MAX_AHEAD_PAYLOAD)
        return false;
    memcpy(payload, frame->payload, frame->length);
    return parse_ahead(&copy, &ahead);
}

static struct plan plan_of(uid_t uid, const struct account *account, uint32_t rights)
{
    static char *envp[MAX_AHEAD_TEXTS + OWN_VARIABLES + 1];
    return (struct plan){.uid = uid,
                         .account = account,
                         .envp = envp,
                         .work = -1,
                         .streams = {-1, -1, -1},
                         .control = -1,
                         .preload = -1,
                         .rights = rights};
}

static bool may_start(uid_t uid, const struct account *account, const struct plan *plan)
{
    return uid != 0 && uid != account->uid && make_environment(plan->envp);
}

static void close_files(struct plan *plan)
{
    close_fd(&plan->control);
    close_fd(&plan->preload);
    for (int i = 0; i < STREAMS; i++)
        close_fd(&plan->streams[i]);
}

/* The server has the program's group, so that it can look at the script, until it waits. */
static bool place_script(const struct tree *work)
{
    static struct file_frame file;
    strcpy(file.name, ahead.script);
    return !tree_write(work, &file, 0) && !fchmod(work->fd, work->mode | S_IXGRP);
}

bool forkserver_start(struct forkserver *server, uid_t uid, const struct frame *frame, const struct account *account,
                      const struct tree *work)
{
    struct plan plan = plan_of(uid, account, HERE);
    plan.work = work->fd;
    *server = (struct forkserver){.control = -1};
    if (!forkserver_knows(frame))
        return false;
    if (!may_start(uid, account, &plan))
        return true;
    server->placed = true;
    if (place_script(work) && open_files(&plan, server))
        server->pid = start(&plan);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    close_files(&plan);
    if (plan.error)
        fprintf(stderr, "runner: start %s ahead: %s\n", ahead.argv[0], strerror(plan.error));
    if (server->pid <= 0)
        forget(server);
    return true;
}

/* False at the end of the stream too: the server has ended. */
static bool receive_within(int fd, void *to, size_t size, int limit_ms)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    while (poll(&polled, 1, limit_ms) < 0)
        if (errno != EINTR)
            return false;
    return polled.revents && recv(fd, to, size, MSG_DONTWAIT) == (ssize_t)size;
}

bool forkserver_await(struct forkserver *server)
{
    char word;
    bool placed = server->placed;
    server->placed = false;
    if (server->pid > 0 && !server->ready)
        server->ready = receive_within(server->control, &word, sizeof(word), START_LIMIT_MS);
    return placed;
}

/* A fork has the arguments and variables that the server was started with: others could not be given to it. */
static bool same_texts(char *const *one, char *const *other)
{
    for (; *one && *other; one++, other++)
        if (strcmp(*one, *other) != 0)
            return false;
    return !*one && !*other;
}

/* With an empty work directory of its own, in which the script is. Nobody else will ever see it. */
static bool take_work_directory(struct plan *plan, const char *path)
{
    struct tree work = {.fd = -1, .mode = 0755};
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755,size=64k,nr_inodes=64") ||
        tree_open(&work, path) || !place_script(&work))
        return false;
    plan->work = work.fd;
    return true;
}

/* Forked, not as start() does it: what it mounts is for itself alone, and its user changes in its own memory. */
static pid_t start_outside(struct plan *plan, const char *work)
{
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL, 0);
    if (pid != 0)
        return pid;
    guard_bounding(plan->rights);
    if (take_work_directory(plan, work) && prepare(plan))
        launch_exec(ahead.argv, plan->envp);
    fprintf(stderr, "runner: start %s ahead: %s\n", ahead.argv[0], strerror(errno));
    _exit(127);
}

/* Whatever it was that has not come to the script alone. There is no cell, so that nobody else is met. */
static void end_outside(struct forkserver *server)
{
    kill(-1, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    forget(server);
}

void forkserver_start_outside(struct forkserver *server, const struct options *options, const struct frame *frame)
{
    char word;
    struct plan plan = plan_of(options->ahead_uid, &options->account, OUTSIDE);
    *server = (struct forkserver){.control = -1, .outside = true};
    if (!forkserver_knows(frame) || !may_start(options->ahead_uid, &options->account, &plan))
        return;
    if (open_files(&plan, server))
        server->pid = start_outside(&plan, options->work);
    close_files(&plan);
    if (server->pid > 0)
        server->ready = receive_within(server->control, &word, sizeof(word), OUTSIDE_LIMIT_MS);
    if (!server->ready || !processes_alone_with(server->pid))
        end_outside(server);
}

void forkserver_enter(struct forkserver *server, const struct forkserver *outside)
{
    *server = *outside;
    server->pid = 0;
    for (int i = 0; i < NAMESPACES; i++)
        server->namespaces[i] = -1;
}

void forkserver_dismiss(struct forkserver *server)
{
    if (server->pid > 0 && !kill(server->pid, SIGKILL))
        waitpid(server->pid, NULL, 0);
    forget(server);
}

void forkserver_forget(struct forkserver *server)
{
    forget(server);
}

bool forkserver_is_here(const struct forkserver *server)
{
    return server->ready && !server->outside;
}

static bool serves(const struct forkserver *server, const struct step_frame *step)
{
    return server->ready && !step->large_files_fail && !step->on_terminal && same_texts(ahead.argv, step->argv) &&
           same_texts(ahead.envp, step->envp);
}

static bool send_request(int control, const struct request *request, const int *passed_on, int count)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE((STREAMS + NAMESPACES) * sizeof(int))];
    } passed = {0};
    size_t size = (size_t)count * sizeof(int);
    struct iovec vector = {(void *)request, sizeof(*request)};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &passed, .msg_controllen = CMSG_SPACE(size)};
    passed.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&passed.header), passed_on, size);
    return sendmsg(control, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(*request);
}

/*
 * One that has been asked and does not answer might do so later, and one that cannot be asked is about to end: it is
 * killed, with the runner's own rights because nobody is to be spared, and from now on it counts as lost. To wait until
 * it is reaped would not do: where it dies slowly, the job could be over and the container called ready before.
 */
static pid_t give_up(struct forkserver *server)
{
    kill(-1, SIGKILL);
    server->ready = false;
    server->lost = true;
    return -1;
}

/*
 * One that is outside cannot be killed from here, and need not be: what is shut down brings no request, so that it
 * ends, and takes no answer, without which a fork ends before it is a program. One that came just before counts.
 */
static bool give_up_outside(struct forkserver *server, struct reply *reply)
{
    shutdown(server->control, SHUT_RDWR);
    bool came = recv(server->control, reply, sizeof(*reply), MSG_DONTWAIT) == sizeof(*reply);
    forget(server);
    return came;
}

static bool open_namespaces(struct forkserver *server)
{
    /* In the order in which they are entered: with the mounts /proc goes, and nothing is looked up there. */
    static const char *const NAMES[NAMESPACES] = {"pid", "net", "ipc", "uts", "cgroup", "mnt"};
    for (int i = 0; i < NAMESPACES; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/proc/self/ns/%s", NAMES[i]);
        if (server->namespaces[i] < 0 && (server->namespaces[i] = open(path, O_RDONLY | O_CLOEXEC)) < 0)
            return false;
    }
    return true;
}

static bool ask(struct forkserver *server, const struct request *request, const int ends[STREAMS], struct reply *reply)
{
    int passed[STREAMS + NAMESPACES];
    memcpy(passed, ends, STREAMS * sizeof(int));
    memcpy(passed + STREAMS, server->namespaces, sizeof(server->namespaces));
    return send_request(server->control, request, passed, request->in_cell ? STREAMS + NAMESPACES : STREAMS) &&
           receive_within(server->control, reply, sizeof(*reply), FORK_LIMIT_MS);
}

static pid_t fork_step(struct forkserver *server, const struct step_frame *step, uid_t uid, const int ends[STREAMS])
{
    struct request request = {.file_size_bytes = step->file_size_bytes,
                              .cpu_seconds = launch_cpu_seconds(step),
                              .open_files = step->open_files,
                              .uid = uid,
                              .in_cell = server->outside,
                              .confined = guard_is_confined()};
    struct reply reply = {0};
    if (server->outside && !open_namespaces(server))
        return -1;
    if (!ask(server, &request, ends, &reply) && !(server->outside && give_up_outside(server, &reply)))
        return server->outside ? -1 : give_up(server);
    if (reply.error != 0 && reply.pid > 0)
        waitpid(reply.pid, NULL, 0);
    return reply.error == 0 ? reply.pid : -1;
}

bool forkserver_launch(struct forkserver *server, const struct step_frame *step, const struct account *account,
                       struct program *program)
{
    int given[STREAMS];
    if (!serves(server, step) || !launch_open_streams(program, given, account, step->merged))
        return false;
    program->pid = fork_step(server, step, account->uid, given);
    for (int i = 0; i < STREAMS; i++)
        close(given[i]);
    if (program->pid > 0)
        return true;
    launch_close_streams(program);
    return false;
}

void forkserver_reaped(struct forkserver *server)
{
    server->lost = server->lost || server->ready;
    forget(server);
}
