/* guard: see guard.h for the theory of operation. */
#define _GNU_SOURCE
#include "guard.h"

#include "embed.h"
#include "fd.h"
#include "preload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *bring_up_loopback(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return "socket";
    int failed = ioctl(fd, SIOCGIFFLAGS, &request);
    request.ifr_flags |= IFF_UP;
    failed = failed || ioctl(fd, SIOCSIFFLAGS, &request);
    close(fd);
    return failed ? "bring up lo" : NULL;
}

struct setting {
    const char *name;
    const char *value;
};

/*
 * Without the first, a port that one job used is in TIME_WAIT when the next one binds it. The others bound what lies in
 * a connection: not every kernel charges that to the container.
 */
static const struct setting SETTINGS[] = {
    {"tcp_max_tw_buckets", "0"},
    {"tcp_rmem", "4096 65536 131072"},
    {"tcp_wmem", "4096 16384 131072"},
};

static void change_setting(const char *procfs, const struct setting *setting)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/sys/net/ipv4/%s", procfs, setting->name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, setting->value, strlen(setting->value)) < 0)
        perror(path);
    close(fd);
}

static void change_settings(const char *procfs)
{
    for (size_t i = 0; i < COUNT(SETTINGS); i++)
        change_setting(procfs, &SETTINGS[i]);
}

/* Lazily: a process of the runtime's may still be in it. What is not mounted in this container is fine. */
static void unmount(const char *mounted)
{
    if (umount2(mounted, MNT_DETACH) && errno != EINVAL && errno != ENOENT)
        perror(mounted);
}

/*
 * The container's own /proc/sys is read-only, so a second procfs is mounted for the writes. Where an LSM forbids the
 * mount, the namespace stays as it is.
 */
static void tune_network(const char *scratch)
{
    if (mount("proc", scratch, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
        return;
    change_settings(scratch);
    unmount(scratch);
}

/* What hides a directory, and the files that replace an image's, lie on one file system of the container's own. */
static const char EMPTY[] = "empty";
static const char LOADED[] = "loaded";
static const char NAMED[] = "mnt";

static const char VOLUME[] = "/.gexec";
static const char LIBRARY[] = "/.gexec/flush.so";

/* Mounted once, since a file system costs more to make and to take away than all that is bound from it. */
static bool mount_own(const char *scratch)
{
    char path[256];
    unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    /* The root, three directories, a link, the library, hosts, passwd and group; the last two as long as add_line takes
     * them. */
    int failed = mount("own", scratch, "tmpfs", flags, "size=320k,nr_inodes=9,mode=755");
    /* gVisor knows no bound on files. */
    if (failed && errno == EINVAL)
        failed = mount("own", scratch, "tmpfs", flags, "size=320k,mode=755");
    if (failed)
        return false;
    snprintf(path, sizeof(path), "%s/%s", scratch, EMPTY);
    if (mkdir(path, 0555))
        perror(path);
    return true;
}

/* From here on nothing can be made there, whoever asks. */
static void close_own(const char *scratch)
{
    if (mount(NULL, scratch, NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
        perror(scratch);
}

/* Bound to its place, it needs the name under which it was made no more. */
static bool bind_own(const char *scratch, const char *name, const char *covered)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", scratch, name);
    if (!mount(path, covered, NULL, MS_BIND, NULL))
        return true;
    if (errno != ENOENT)
        perror(covered);
    return false;
}

static bool write_file(const char *path, const char *text, size_t length)
{
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0)
        return false;
    bool written = write(fd, text, length) == (ssize_t)length;
    close(fd);
    return written;
}

static void replace_file(const char *scratch, const char *name, const char *replaced, const char *text, size_t length)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", scratch, name);
    if (write_file(path, text, length))
        bind_own(scratch, name, replaced);
}

static void replace_hosts(const char *scratch)
{
    static const char HOSTS[] = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";
    replace_file(scratch, "hosts", "/etc/hosts", HOSTS, sizeof(HOSTS) - 1);
}

/* The image's own file with a line more. An image that has no such file has nothing that a line could be mounted on. */
static void add_line(const char *scratch, const char *name, const char *replaced, const char *line)
{
    static char text[1 << 16];
    ssize_t got = 0;
    size_t length = 0, room = sizeof(text) - strlen(line) - 1;
    int fd = open(replaced, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    while (length < room && (got = read(fd, text + length, room - length)) > 0)
        length += (size_t)got;
    close(fd);
    if (got < 0 || length == room)
        return;
    if (length > 0 && text[length - 1] != '\n')
        text[length++] = '\n';
    memcpy(text + length, line, strlen(line));
    replace_file(scratch, name, replaced, text, length + strlen(line));
}

/* The program's user has a number that no image knows. Whoever asks for its name finds one, and a home. */
static void name_user(const char *home, uid_t uid, gid_t gid)
{
    char line[256];
    snprintf(line, sizeof(line), "gexec:x:%u:%u::%s:/usr/sbin/nologin\n", uid, gid, home);
    add_line(home, "passwd", "/etc/passwd", line);
    snprintf(line, sizeof(line), "gexec:x:%u:\n", gid);
    add_line(home, "group", "/etc/group", line);
}

/* What programs may load of the runner's volume; nothing where that has none, or one longer than anybody made it. */
static struct {
    char content[1 << 16];
    size_t length;
} library;

static void read_library(void)
{
    int fd = open(LIBRARY, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, library.content, sizeof(library.content));
    if (fd >= 0)
        close(fd);
    library.length = length > 0 && length < (ssize_t)sizeof(library.content) ? (size_t)length : 0;
}

/* In the volume's place, and as the container's own. What was bound has the flags of its file system, until told. */
static void place_library(const char *scratch)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", scratch, LOADED);
    if (library.length == 0 || mkdir(path, 0755))
        return;
    snprintf(path, sizeof(path), "%s/%s/%s", scratch, LOADED, strrchr(LIBRARY, '/') + 1);
    if (!write_file(path, library.content, library.length))
        return;
    bind_own(scratch, LOADED, VOLUME);
    if (mount(NULL, VOLUME, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL))
        perror(VOLUME);
}

/*
 * The work directory's other name, which code that assistants write knows: /mnt/data. An image in which /mnt is missing
 * goes without.
 */
static void name_work(const char *work)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", work, NAMED);
    if (mkdir(path, 0755))
        return;
    snprintf(path, sizeof(path), "%s/%s/data", work, NAMED);
    if (symlink(work, path) == 0)
        bind_own(work, NAMED, "/mnt");
}

/*
 * Containers that start in one network namespace are given the same files, and the runner's volume is everybody's:
 * through locks and inotify on a file that is shared, programs of different callers would learn of each other.
 */
static void drop_shared_files(void)
{
    unmount("/etc/hostname");
    unmount("/etc/resolv.conf");
    read_library();
    unmount(VOLUME);
}

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/*
 * What is hidden of /proc, by its path and whether it is a directory, for the procfs of each cell. `overflown` where
 * this does not hold all. `empty` is a directory of /sys which is hidden too, and so the empty one by another name:
 * cells need no file system for it.
 */
static struct {
    struct hidden {
        char path[64];
        bool directory;
    } places[128];
    size_t count;
    bool overflown;
    char empty[64];
} hidden;

static void remember_hidden(const char *path, bool directory)
{
    if (!begins(path, "/proc/"))
        return;
    if (hidden.count == COUNT(hidden.places) || strlen(path) >= sizeof(hidden.places[0].path)) {
        hidden.overflown = true;
        return;
    }
    struct hidden *place = &hidden.places[hidden.count++];
    strcpy(place->path, path);
    place->directory = directory;
}

static void hide_directory(const char *scratch, const char *path)
{
    if (bind_own(scratch, EMPTY, path) && begins(path, "/sys/") && strlen(path) < sizeof(hidden.empty))
        strcpy(hidden.empty, path);
}

/* A /dev/null that is on the file system of the container's other devices is its own already. */
static void cover(const char *scratch, const char *path, dev_t devices)
{
    struct stat status;
    if (stat(path, &status))
        return;
    remember_hidden(path, S_ISDIR(status.st_mode));
    if (S_ISDIR(status.st_mode))
        hide_directory(scratch, path);
    else if (S_ISCHR(status.st_mode) && status.st_dev != devices)
        mount("/dev/null", path, NULL, MS_BIND, NULL);
}

/* Whether something that belongs to another file system was mounted there to hide what the kernel shows. */
static bool is_mask(const char *path, const char *type)
{
    if (begins(path, "/sys/fs/cgroup") || !(begins(path, "/proc/") || begins(path, "/sys/")))
        return false;
    return strcmp(type, "proc") && strcmp(type, "sysfs");
}

/*
 * What hides a part of /proc or /sys may be one file for all containers: crun takes the host's /dev/null, and newer
 * ones one empty directory. The container's own take their place.
 */
static void replace_masks(const char *scratch)
{
    /* Docker makes some 30 mounts of 100 bytes each. More than this holds would not be looked at. */
    static char mounts[1 << 16];
    struct stat devices;
    int fd = stat("/dev", &devices) ? -1 : open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t got;
    for (size_t used = 0; (got = read(fd, mounts + used, sizeof(mounts) - 1 - used)) > 0; used += (size_t)got)
        ;
    close(fd);
    char *rest = mounts;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        strsep(&line, " ");
        char *path = strsep(&line, " "), *type = strsep(&line, " ");
        if (type && is_mask(path, type))
            cover(scratch, path, devices.st_dev);
    }
}

/*
 * What the kernel shows of the whole machine there, to every container alike: what it was started with, its devices'
 * counters, everybody's locks. Programs need none of it; a neighbour's doings can be seen in some. What runtimes read
 * is left (docs/security.md).
 */
static const char *const OF_THE_MACHINE[] = {
    "/proc/locks",
    "/proc/cmdline",
    "/proc/bootconfig",
    "/proc/config.gz",
    "/proc/diskstats",
    "/proc/partitions",
    "/proc/interrupts",
    "/proc/softirqs",
    "/proc/schedstat",
    "/proc/vmstat",
    "/proc/zoneinfo",
    "/proc/buddyinfo",
    "/proc/key-users",
    "/proc/modules",
    "/proc/kallsyms",
    "/proc/iomem",
    "/proc/ioports",
    "/proc/crypto",
    "/proc/misc",
    "/proc/devices",
    "/proc/consoles",
    "/proc/slabinfo",
    "/proc/pagetypeinfo",
    "/proc/vmallocinfo",
    "/proc/driver",
    "/proc/tty",
    "/proc/pressure",
    "/proc/fs",
    "/proc/irq",
    "/proc/bus",
    "/proc/sys/kernel/random/boot_id",
    "/proc/sys/fs/dentry-state",
    "/proc/sys/fs/file-nr",
    "/proc/sys/fs/inode-nr",
    "/proc/sys/fs/inode-state",
    "/proc/sys/fs/quota",
    "/sys/block",
    "/sys/bus",
    "/sys/class",
    "/sys/dev",
    "/sys/module",
    "/sys/power",
    "/sys/kernel/irq",
    "/sys/kernel/slab",
    "/sys/kernel/uevent_seqnum",
};

/* The same, where names have numbers: below each entry of a directory, but for one of them. */
struct numbered {
    const char *directory;
    const char *below;
    const char *but;
};

static const struct numbered NUMBERED[] = {
    /* Buses, and the disks' counters upon them. */
    {"/sys/devices", "", "system"},
    {"/sys/devices/system/node", "/vmstat", ""},
    {"/sys/devices/system/node", "/numastat", ""},
};

static void hide(const char *scratch, const char *path)
{
    struct stat status;
    if (stat(path, &status))
        return;
    remember_hidden(path, S_ISDIR(status.st_mode));
    if (S_ISDIR(status.st_mode))
        hide_directory(scratch, path);
    else if (S_ISREG(status.st_mode))
        mount("/dev/null", path, NULL, MS_BIND, NULL);
}

static void hide_numbered(const char *scratch, const struct numbered *numbered)
{
    char path[512];
    DIR *directory = opendir(numbered->directory);
    if (!directory)
        return;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, numbered->but) == 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s%s", numbered->directory, entry->d_name, numbered->below);
        hide(scratch, path);
    }
    closedir(directory);
}

static void hide_machine(const char *scratch)
{
    for (size_t i = 0; i < COUNT(OF_THE_MACHINE); i++)
        hide(scratch, OF_THE_MACHINE[i]);
    for (size_t i = 0; i < COUNT(NUMBERED); i++)
        hide_numbered(scratch, &NUMBERED[i]);
}

/*
 * What the control group has counted since the container's start, by how the files' names begin or end: of both
 * versions. Limits, and what is in use now, are not among them: runtimes read those.
 */
static const char *const COUNTED[] = {"cpuacct.", "blkio.", "io."};
static const char *const COUNTED_ENDS[] = {
    ".stat",    ".stat.local", ".numa_stat",         ".events",     ".events.local", ".peak",
    "pressure", "failcnt",     "max_usage_in_bytes", "oom_control",
};

static bool ends(const char *text, const char *suffix)
{
    size_t length = strlen(text), size = strlen(suffix);
    return length >= size && strcmp(text + length - size, suffix) == 0;
}

static bool is_counter(const char *name)
{
    for (size_t i = 0; i < COUNT(COUNTED); i++)
        if (begins(name, COUNTED[i]))
            return true;
    for (size_t i = 0; i < COUNT(COUNTED_ENDS); i++)
        if (ends(name, COUNTED_ENDS[i]))
            return true;
    return false;
}

/* Of the first version's controllers, those of which runtimes read limits. */
static bool is_read(const char *controller)
{
    static const char *const READ[] = {"cpu", "memory", "pids"};
    for (size_t i = 0; i < COUNT(READ); i++)
        if (begins(controller, READ[i]))
            return true;
    return false;
}

static bool hide_counters_in(const char *path);

/* Not through links: what they stand for is found by its own name. */
static bool hide_counters_of(const char *path, const struct dirent *entry)
{
    char below[512];
    snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
    if (entry->d_type == DT_REG && is_counter(entry->d_name))
        return !mount("/dev/null", below, NULL, MS_BIND, NULL);
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
        return true;
    return (!is_read(entry->d_name) && !umount2(below, MNT_DETACH)) || hide_counters_in(below);
}

static bool hide_counters_in(const char *path)
{
    bool held = true;
    DIR *directory = opendir(path);
    if (!directory)
        return errno == ENOENT;
    for (struct dirent *entry; held && (entry = readdir(directory));)
        held = hide_counters_of(path, entry);
    closedir(directory);
    return held;
}

bool guard_counters(void)
{
    return hide_counters_in("/sys/fs/cgroup");
}

/*
 * Linux shows nobody what an undumpable process has open, and where its memory is. Where the kernel shows it to
 * everybody (gVisor), there is nothing to see.
 */
static void hide_runner(const char *scratch)
{
    struct stat status;
    if (!stat("/proc/1/environ", &status) && status.st_mode & S_IROTH)
        bind_own(scratch, EMPTY, "/proc/1");
}

/* What a runtime has put beside the devices that every program may use. */
static void remove_devices(void)
{
    static const char *const DEVICES[] = {"/dev/fuse", "/dev/net/tun"};
    for (size_t i = 0; i < COUNT(DEVICES); i++)
        if (unlink(DEVICES[i]) && errno != ENOENT)
            perror(DEVICES[i]);
}

/*
 * Whoever may write to a device may also set its times, and reading one sets them: they would tell the next program.
 * Where that cannot be mounted (gVisor), no container is used by two callers.
 */
static void still_devices(void)
{
    mount(NULL, "/dev", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOATIME | MS_NOSUID | MS_NOEXEC, NULL);
}

/*
 * Nothing of what a program may write there is of use to it, and some of it is to an attacker: above all that the
 * kernel should end the runner, not the program, when memory runs out.
 */
static bool make_procfs_read_only(void)
{
    unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY;
    if (mount("/proc", "/proc", NULL, MS_BIND | MS_REC, NULL))
        return false;
    bool made = !mount(NULL, "/proc", NULL, MS_REMOUNT | MS_BIND | flags, NULL);
    if (!made)
        perror("runner: /proc");
    return made;
}

/*
 * Under AppArmor and the project's own profile, which allows these mounts, the label is opened while /proc can still be
 * written: guard_profile() puts the program's profile, which allows none, on top. A runtime's own may lie below (crun).
 */
static int label = -1;
static bool confined;

static void open_label(void)
{
    char text[256] = {0};
    label = open("/proc/self/attr/apparmor/current", O_RDWR | O_CLOEXEC);
    if (label >= 0 && (read(label, text, sizeof(text) - 1) < 0 || !strstr(text, "gexec-runner")))
        close_fd(&label);
    confined = label >= 0;
}

bool guard_is_confined(void)
{
    return confined;
}

const char *guard_profile(void)
{
    static const char STACK[] = PROGRAM_PROFILE;
    bool stacked = label < 0 || pwrite(label, STACK, sizeof(STACK) - 1, 0) == sizeof(STACK) - 1;
    close_fd(&label);
    return stacked ? NULL : "add the program's profile";
}

const char *guard_network(const char *scratch)
{
    if (unshare(CLONE_NEWNET))
        return "unshare the network";
    tune_network(scratch);
    return bring_up_loopback();
}

/* As in the container's own. Without any of it the cell is not used. */
static bool hide_again(void)
{
    for (size_t i = 0; i < hidden.count; i++)
        if (mount(hidden.places[i].directory ? hidden.empty : "/dev/null", hidden.places[i].path, NULL, MS_BIND, NULL))
            return false;
    return !hidden.overflown && hidden.empty[0];
}

static bool may_mount(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    return !syscall(SYS_capget, &header, data) && data[0].effective >> CAP_SYS_ADMIN & 1;
}

void guard_container(const char *scratch, uid_t uid, gid_t gid, bool terminal)
{
    if (!may_mount())
        return;
    open_label();
    remove_devices();
    still_devices();
    drop_shared_files();
    bool own = mount_own(scratch);
    if (own) {
        replace_hosts(scratch);
        name_user(scratch, uid, gid);
        place_library(scratch);
        name_work(scratch);
        close_own(scratch);
        replace_masks(scratch);
    }
    /* With the masks that it has, and before it has many more. */
    make_procfs_read_only();
    if (own) {
        hide_machine(scratch);
        hide_runner(scratch);
        unmount(scratch);
    }
    /* What a terminal does is done by threads of the kernel's, at nobody's cost: no program has one by itself. */
    if (!terminal)
        unmount("/dev/pts");
    /* A queue in it would outlive a job. It is not there in every container, so a failure means nothing. */
    unmount("/dev/mqueue");
}

/* The kernel waits for all processors whenever something is unmounted: here nothing is. */
const char *guard_cell(void)
{
    close_fd(&label);
    open_label();
    change_settings("/proc");
    if (!make_procfs_read_only() || !hide_again())
        return "hide what /proc tells of the machine";
    return bring_up_loopback();
}

/*
 * Directories that a runtime may have left for everybody to write in, where no wipe would find it: POSIX queues where
 * they could not be unmounted, and what crun mounts to hold the first version's control groups.
 */
void guard_directories(void)
{
    static const char *const OPEN[] = {"/dev/mqueue", "/sys/fs/cgroup"};
    for (size_t i = 0; i < COUNT(OPEN); i++)
        if (chmod(OPEN[i], 0555) && errno != EROFS && errno != ENOENT)
            perror(OPEN[i]);
}

/*
 * Among hundreds of processes that spin, the runner would wait for its turn as each of them does, and come too late to
 * end them. Priority counts within a control group, so neighbours do not notice. Where it is not granted, nothing is.
 */
void guard_priority(void)
{
    if (setpriority(PRIO_PROCESS, 0, -20))
        errno = 0;
}

/*
 * A kernel in user space (gVisor) has control groups of its own, which the runtime leaves without limits and root may
 * write. Those of the host are read-only here: the engine has set them.
 */
void guard_processes(unsigned count)
{
    int fd = open("/sys/fs/cgroup/pids/pids.max", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (dprintf(fd, "%u", count) < 0)
        perror("runner: limit the processes");
    close(fd);
}

static const int KEPT_CAPABILITIES[] = {CAP_SETUID, CAP_SETGID, CAP_KILL, CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER};

static uint64_t kept_mask(void)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < COUNT(KEPT_CAPABILITIES); i++)
        mask |= UINT64_C(1) << KEPT_CAPABILITIES[i];
    return mask;
}

/* Dropping from the bounding set needs SETPCAP; where the container has none, no_new_privs alone has to do. */
static void drop_bounding(uint64_t kept)
{
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        if (!(kept >> capability & 1) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0))
            return;
}

void guard_bounding(uint64_t more)
{
    drop_bounding(kept_mask() | more);
}

const char *guard_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    uint64_t kept = kept_mask();

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return "set no_new_privs";
    drop_bounding(kept);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capget, &header, data))
        return "read the capabilities";
    for (int i = 0; i < 2; i++) {
        data[i].permitted &= (uint32_t)(kept >> (32 * i));
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &header, data))
        return "drop the capabilities";
    /* Its files in /proc are root's then, and nobody without rights over root may trace it or look into it. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        return "become undumpable";
    return NULL;
}

struct limit {
    int resource;
    rlim_t value;
};

/*
 * What no program needs, or the kernel counts by user over all containers: a core file, memory that cannot be swapped
 * (64 KiB was the kernel's own default for long), queued signals, queues, and a way to the front of the scheduler.
 */
static const struct limit INHERITED_LIMITS[] = {
    {RLIMIT_CORE, 0},     {RLIMIT_MEMLOCK, 64 * 1024}, {RLIMIT_SIGPENDING, 1024},
    {RLIMIT_MSGQUEUE, 0}, {RLIMIT_RTPRIO, 0},          {RLIMIT_NICE, 0},
};

/*
 * gVisor knows a few limits by name only, and refuses even the value that they have, which Linux refuses to nobody.
 * What they are for is not there either: it counts nothing by user over several containers, and schedules by itself.
 */
static bool is_without(int resource, const struct rlimit *current)
{
    return resource != RLIMIT_CORE && resource != RLIMIT_MEMLOCK && errno == EPERM && setrlimit(resource, current);
}

const char *guard_limits(void)
{
    for (size_t i = 0; i < COUNT(INHERITED_LIMITS); i++) {
        struct rlimit current;
        if (getrlimit(INHERITED_LIMITS[i].resource, &current))
            return "read a limit";
        rlim_t value = INHERITED_LIMITS[i].value < current.rlim_max ? INHERITED_LIMITS[i].value : current.rlim_max;
        struct rlimit limit = {value, value};
        if (setrlimit(INHERITED_LIMITS[i].resource, &limit) && !is_without(INHERITED_LIMITS[i].resource, &current))
            return "set a limit";
    }
    return NULL;
}

/*
 * The soft limit alone, by which the kernel bounds the first thread's stack and the C library sizes the others': memory
 * is what bounds it, and a program may ask for more.
 */
const char *guard_stack(uint64_t bytes)
{
    struct rlimit limit;
    if (bytes == 0)
        return NULL;
    if (getrlimit(RLIMIT_STACK, &limit))
        return "read the limit of the stack";
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    return setrlimit(RLIMIT_STACK, &limit) ? "set the limit of the stack" : NULL;
}

/* What filter.c made of its table: a program of the kernel's, instruction by instruction. */
EMBED(filter, "filter.bpf");
/* The same for who has a terminal. */
EMBED(terminal_filter, "terminal.bpf");
/* The same in two parts: who makes cells has the first, and in a cell the second comes to it. */
EMBED(maker_filter, "maker.bpf");
EMBED(cell_filter, "cell.bpf");

/* Where nobody can be asked (before Linux 5.0, or under another filter that asks), what would be is refused. */
static void ask_nobody(struct sock_filter *instructions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (instructions[i].code == (BPF_RET | BPF_K) && instructions[i].k == SECCOMP_RET_USER_NOTIF)
            instructions[i].k = SECCOMP_RET_ERRNO | ENOLCK;
}

static const char *install(const uint8_t *filter_bytes, uint64_t size, int *listener)
{
    static struct sock_filter instructions[BPF_MAXINSNS];
    size_t count = size / sizeof(struct sock_filter);
    if (count > COUNT(instructions))
        return "find room for the system call filter";
    memcpy(instructions, filter_bytes, size);
    struct sock_fprog program = {(unsigned short)count, instructions};
    if (listener) {
        *listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
        if (*listener >= 0)
            return NULL;
        ask_nobody(instructions, count);
    }
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) ? "install the system call filter" : NULL;
}

const char *guard_system_calls(int *listener, bool terminal)
{
    return terminal ? install(terminal_filter, terminal_filter_size, listener) : install(filter, filter_size, listener);
}

const char *guard_maker_calls(int *listener)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return "set no_new_privs";
    return install(maker_filter, maker_filter_size, listener);
}

const char *guard_cell_calls(void)
{
    return install(cell_filter, cell_filter_size, NULL);
}
