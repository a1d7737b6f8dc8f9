/* cell: see cell.h for the theory of operation. */
#define _GNU_SOURCE
#include "cell.h"

#include "fault.h"
#include "fd.h"
#include "guard.h"
#include "launch.h"
#include "locks.h"
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    /* How a cell says that its job is over, or is to go on in the next one. */
    JOB_OVER = 77,
    JOB_GOES_ON = 78,
    JOB_TO_COME = 79,
    /* Between the maker and process 1: the maker has its user namespace; its ids are there; the first cell stands;
       process 1 has no rights any more. */
    UNSHARED = 'u',
    MAPPED = 'm',
    STANDS = 's',
    GUARDED = 'g',
    /* Some milliseconds on a machine that does something else as well. */
    BEGIN_LIMIT_MS = 5000,
    MAX_TREES = MAX_WIPED + 1,
    /* An interpreter's start costs as much as three of its forks. */
    SERVED_CELLS = 100,
};

/* As the engine has mounted it. */
struct place {
    const char *path;
    char how[96];
    unsigned long flags;
};

static struct place places[MAX_TREES];
static int place_count;
static int ahead = -1, locks = -1;

static struct {
    struct forkserver forkserver;
    /* How many cells it has been there for, and how many more are made before another one is started. */
    uint32_t served, pause, next_pause;
} server = {.forkserver = {.control = -1}};

/* Of one job: what its tests begin from, and what one of its cells tells the next. */
static int kept = -1, handed = -1;

struct handed {
    uint64_t needed, room, length;
};

static bool is_known(const char *path)
{
    for (int i = 0; i < place_count; i++)
        if (strcmp(places[i].path, path) == 0)
            return true;
    return false;
}

static bool look_at(const char *path)
{
    struct statvfs now;
    struct place *place = &places[place_count];
    if (is_known(path))
        return true;
    if (statvfs(path, &now))
        return false;
    place->path = path;
    place->flags = MS_NOSUID | MS_NODEV | (now.f_flag & ST_NOEXEC ? MS_NOEXEC : 0);
    /* No bound would be 0 here as well as to tmpfs. */
    snprintf(place->how, sizeof(place->how), "mode=700,size=%llu,nr_inodes=%llu",
             (unsigned long long)now.f_blocks * now.f_frsize, (unsigned long long)now.f_files);
    place_count++;
    return true;
}

static bool look_at_places(const struct options *options)
{
    bool seen = look_at(options->work);
    for (int i = 0; i < options->wiped_count && seen; i++)
        seen = look_at(options->wiped[i]);
    return seen;
}

static bool say(int fd, char word)
{
    return send(fd, &word, 1, MSG_NOSIGNAL) == 1;
}

static bool hear(int fd, char word)
{
    char heard = 0;
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    return poll(&polled, 1, BEGIN_LIMIT_MS) == 1 && recv(fd, &heard, 1, 0) == 1 && heard == word;
}

/* By who made the namespace, with rights over both sides. */
static bool write_map(pid_t maker, const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof(path), "%d/%s", maker, name);
    int fd = launch_open_proc(path);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return written;
}

static bool map_ids(pid_t maker, const struct options *options)
{
    char users[128], groups[128];
    int length = snprintf(users, sizeof(users), "0 %u 1\n%u %u 1\n", options->cell_root, options->account.uid,
                          options->account.uid);
    if (options->ahead_uid)
        snprintf(users + length, sizeof(users) - (size_t)length, "%u %u 1\n", options->ahead_uid, options->ahead_uid);
    snprintf(groups, sizeof(groups), "0 %u 1\n%u %u 1\n", options->cell_root, options->account.gid,
             options->account.gid);
    return write_map(maker, "uid_map", users) && write_map(maker, "gid_map", groups);
}

/*
 * Its own procfs, without what hides parts of the container's: a kernel shows a new one only to who sees one whole. The
 * container's may lie there more than once, and whatever is below would be copied for each cell.
 */
static bool see_procfs_whole(void)
{
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || umount2("/proc", MNT_DETACH))
        return false;
    while (!umount2("/proc", MNT_DETACH))
        ;
    return !mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

/* Root of its user namespace; with a file that all cells have in common. */
static bool become_maker(int control)
{
    if (!see_procfs_whole() || !guard_counters() || unshare(CLONE_NEWUSER) || !say(control, UNSHARED) ||
        !hear(control, MAPPED))
        return false;
    ahead = memfd_create("ahead", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return ahead >= 0 && !guard_maker_calls(&locks) && !syscall(SYS_setgroups, 0, NULL) &&
           !syscall(SYS_setresgid, 0, 0, 0) && !syscall(SYS_setresuid, 0, 0, 0) && !prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* In a session of its own: the group of who made it has no number here. */
static bool set_cell_up(void)
{
    if (setsid() < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) || launch_open())
        return false;
    locks_open();
    if (guard_cell())
        return false;
    for (int i = 0; i < place_count; i++)
        if (mount("tmpfs", places[i].path, "tmpfs", places[i].flags, places[i].how))
            return false;
    return true;
}

/* New ones for each job: nothing of one is in what another's cells can reach. */
static bool open_files(void)
{
    close_fd(&kept);
    close_fd(&handed);
    kept = keep_file();
    handed = memfd_create("handed", MFD_CLOEXEC);
    return kept >= 0 && handed >= 0;
}

enum { NEW_NAMESPACES = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP };

/* Like fork: the child goes on from here in new namespaces. */
static pid_t clone_cell(void)
{
    return (pid_t)syscall(SYS_clone, NEW_NAMESPACES | SIGCHLD, NULL, NULL, NULL, 0);
}

static void forget_server(void)
{
    forkserver_forget(&server.forkserver);
    server.next_pause = server.served > 0 ? 1 : 2 * server.next_pause + 1;
    server.pause = server.next_pause;
}

/* What comes next. How it ended is in its exit code alone; whatever else has become of it ends the container. */
static enum cell await_cell(pid_t pid)
{
    int status;
    pid_t ended;
    while (pid > 0 && (ended = waitpid(-1, &status, 0)) != pid)
        if (ended < 0)
            _exit(1);
        else if (ended == server.forkserver.pid)
            forget_server();
    if (pid < 0 || !WIFEXITED(status))
        _exit(1);
    if (WEXITSTATUS(status) == JOB_OVER)
        return NEW_JOB;
    if (WEXITSTATUS(status) == JOB_GOES_ON)
        return SAME_JOB;
    if (WEXITSTATUS(status) == JOB_TO_COME)
        return READY;
    _exit(WEXITSTATUS(status));
}

static bool read_ahead(struct frame *frame)
{
    static uint8_t payload[MAX_AHEAD_PAYLOAD];
    ssize_t length = pread(ahead, payload, sizeof(payload), 0);
    if (length <= 0)
        return false;
    *frame = (struct frame){.type = 'A', .payload = payload, .length = (uint32_t)length};
    return true;
}

/* Between two cells. */
static void look_after_server(const struct options *options)
{
    struct frame frame;
    if (server.served >= SERVED_CELLS)
        forkserver_dismiss(&server.forkserver);
    if (!server.forkserver.ready && read_ahead(&frame) && (server.pause == 0 || --server.pause == 0)) {
        server.served = 0;
        forkserver_start_outside(&server.forkserver, options, &frame);
        if (!server.forkserver.ready)
            forget_server();
    }
    server.served += server.forkserver.ready;
}

const struct forkserver *cell_server(void)
{
    return &server.forkserver;
}

int cell_locks(void)
{
    return locks;
}

/* Returns in a cell, the first of which waits until process 1 has given up its rights. Does not return in the maker. */
static enum cell make_cells(const struct options *options, int control, uint32_t *jobs_done)
{
    enum cell cell = NEW_JOB;
    for (*jobs_done = 0;;) {
        if (cell == NEW_JOB && !open_files())
            _exit(1);
        look_after_server(options);
        pid_t pid = clone_cell();
        if (pid == 0) {
            if (!set_cell_up() || !(control < 0 || (say(control, STANDS) && hear(control, GUARDED)))) {
                perror("runner: set up a cell");
                _exit(1);
            }
            close_fd(&control);
            return cell;
        }
        close_fd(&control);
        cell = await_cell(pid);
        *jobs_done += cell == NEW_JOB;
    }
}

/* Process 1 of the container, from now on. Its streams are the cell's alone, and it has no right that one could use. */
static _Noreturn void wait_for_end(pid_t maker, int control, int signals)
{
    int listener, status;
    must(guard_capabilities());
    must(guard_profile());
    must(guard_system_calls(&listener, false));
    if (!say(control, GUARDED))
        die("tell the first cell");
    close(control);
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    for (;;) {
        poll(&(struct pollfd){.fd = signals, .events = POLLIN}, 1, -1);
        signals_read(signals);
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
            if (pid == maker)
                end_container(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
}

enum cell cell_enter(const struct options *options, int signals, uint32_t *jobs_done)
{
    int ends[2];
    if (!look_at_places(options) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return NO_CELL;
    pid_t maker = fork();
    if (maker == 0) {
        close(ends[0]);
        if (!become_maker(ends[1])) {
            perror("runner: make cells");
            _exit(1);
        }
        return make_cells(options, ends[1], jobs_done);
    }
    close(ends[1]);
    bool stands = maker > 0 && hear(ends[0], UNSHARED) && map_ids(maker, options) && say(ends[0], MAPPED) &&
                  hear(ends[0], STANDS);
    if (stands)
        wait_for_end(maker, ends[0], signals);
    close(ends[0]);
    if (maker > 0) {
        kill(-1, SIGKILL);
        while (waitpid(-1, NULL, 0) > 0)
            ;
    }
    return NO_CELL;
}

_Noreturn void cell_leave(void)
{
    _exit(JOB_OVER);
}

/* A file that no cell from now on can change. */
static void seal(int fd)
{
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) && errno != EPERM)
        die("seal a file");
}

int cell_file(void)
{
    return kept;
}

static void hand_on(const struct handed *head, const uint8_t *bytes)
{
    if (pwrite(handed, head, sizeof(*head), 0) != sizeof(*head) ||
        pwrite(handed, bytes, head->length, sizeof(*head)) != (ssize_t)head->length)
        die("hand a job on");
}

_Noreturn void cell_move_on(const struct keep *keep, const uint8_t *bytes, size_t length)
{
    seal(kept);
    hand_on(&(struct handed){.needed = keep->needed, .room = keep->room, .length = length}, bytes);
    _exit(JOB_GOES_ON);
}

_Noreturn void cell_stay_ready(const uint8_t *bytes, size_t length)
{
    hand_on(&(struct handed){.length = length}, bytes);
    _exit(JOB_TO_COME);
}

void cell_take_over(struct keep *keep, uint8_t *bytes, size_t room, size_t *length)
{
    struct handed head;
    if (pread(handed, &head, sizeof(head), 0) != sizeof(head) || head.length > room ||
        pread(handed, bytes, head.length, sizeof(head)) != (ssize_t)head.length)
        die("take a job over");
    if (keep)
        *keep = (struct keep){.fd = kept, .needed = head.needed, .room = head.room};
    *length = head.length;
}

void cell_keep_ahead(const struct frame *frame)
{
    if (pwrite(ahead, frame->payload, frame->length, 0) != (ssize_t)frame->length)
        die("keep a frame");
    cell_close_ahead();
}

void cell_close_ahead(void)
{
    if (ahead >= 0)
        seal(ahead);
}
