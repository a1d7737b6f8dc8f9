/*
 * filter: writes the program by which the kernel judges every system call of a sandbox.
 *
 * Theory of operation: it runs where the runner is built, never in a sandbox. libseccomp turns the table below into a
 * program of the kernel's, which becomes a part of the runner (guard.c), so the start of a container pays for no
 * library. The table says what is refused; the rest is allowed, because the kernel refuses a program without
 * capabilities most of what is dangerous, and the table closes what is left: calls of which containers share a bound,
 * calls that a new namespace opens, calls whose code has been at fault before, calls that nothing of ours needs. What
 * is newer than the table is refused as a whole: nobody has judged it yet.
 *
 * usage: filter [--terminal|--maker|--cell] [ARCHITECTURE], the latter as libseccomp spells it; without one it is this
 * machine's. The program goes to stdout. With --terminal it is for who has been given a terminal (terminal.h), with
 * --maker for who makes cells, and with --cell what is missing in that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* mseal, of Linux 6.10. Whoever moves this on has read what each newer call does, and refused what must be. */
enum { NEWEST_JUDGED = 462 };

/*
 * The answers: EPERM where a program should learn that it may not; ENOSYS where a C library or a language knows another
 * way and takes it without a word; 0, which is success, where nothing is lost if the call does nothing.
 */
struct group {
    int error;
    const char *calls[20];
};

static const struct group REFUSED[] = {
    /* Its flags lie in memory, where a filter cannot look; C libraries go on to clone, which is judged below. */
    {ENOSYS, {"clone3"}},
    /* Another root or another namespace is the first step of most ways out of a container; more of it is below. */
    {EPERM,
     {"pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
      "statmount", "listmount"}},
    /* Large parts of the kernel that strangers' programs have broken out through again and again. */
    {EPERM, {"bpf", "perf_event_open", "userfaultfd"}},
    {ENOSYS, {"io_uring_setup", "io_uring_enter", "io_uring_register"}},
    /* Keyrings belong to users of the whole machine, not to a container. */
    {ENOSYS, {"keyctl", "add_key", "request_key"}},
    /* The kernel has one number of asynchronous requests for the whole machine. */
    {ENOSYS, {"io_setup", "io_destroy", "io_submit", "io_cancel", "io_getevents", "io_pgetevents"}},
    /* Nothing of a program's has to last, and these would make the host's disks work for it. */
    {0, {"sync", "syncfs", "sync_file_range"}},
    /* Advice on what the kernel keeps of files, which all containers of an image share: who empties it, then times a
       read, learns what a neighbour reads. */
    {0, {"fadvise64", "readahead"}},
    /* What lies in System V's and POSIX's shared objects outlives the processes, and so the job. */
    {ENOSYS,
     {"shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv",
      "msgctl"}},
    {ENOSYS, {"mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr"}},
    /* The kernel's own code. */
    {EPERM, {"kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module"}},
    /* A file by its number is a file of whatever directory: the way out of a container that is called shocker. */
    {EPERM, {"open_by_handle_at", "name_to_handle_at"}},
    /* The machine's own state. They ask for capabilities that no program has; here it does not depend on that. */
    {EPERM,
     {"quotactl", "quotactl_fd", "acct", "swapon", "swapoff", "reboot", "clock_settime", "settimeofday",
      "clock_adjtime", "syslog", "vhangup", "fanotify_init", "fanotify_mark", "sethostname", "setdomainname",
      "lookup_dcookie"}},
    /* Into another process, past what the kernel asks of a debugger; a program's own are no business of each other. */
    {EPERM, {"process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp"}},
    /* Where memory lies on the machine. Whoever has no such kernel does without. */
    {EPERM, {"get_mempolicy", "set_mempolicy", "set_mempolicy_home_node", "mbind", "migrate_pages", "move_pages"}},
    /* Newer than what C libraries and languages call, or only to be asked for by who is told of it. */
    {ENOSYS,
     {"cachestat", "futex_wake", "futex_wait", "futex_requeue", "lsm_get_self_attr", "lsm_set_self_attr",
      "lsm_list_modules", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}},
    /* Memory that is taken out of the kernel's own reach. */
    {ENOSYS, {"memfd_secret"}},
    /* Ports and descriptor tables of x86. */
    {EPERM, {"iopl", "ioperm", "modify_ldt"}},
    /* What kernels have long given up, or are about to. */
    {ENOSYS, {"nfsservctl", "uselib", "ustat", "sysfs", "_sysctl", "create_module", "get_kernel_syms", "query_module"}},
};

/*
 * What cells are made with (cell.h), and, of the flags of clone, those of CLONE_NAMESPACES. Who makes them has a filter
 * without these, and what is in a cell has a second one, of these alone: so the large one is compiled once a container.
 * A filter of a program's own is compiled into memory of which the kernel has one bound for the whole machine.
 */
static const struct group MAKING[] = {{EPERM, {"setns", "mount", "umount2", "seccomp"}}};

enum {
    /* Time has a flag of its own for unshare only: for clone the same bit is a part of the signal's number. */
    CLONE_NAMESPACES =
        CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET,
    UNSHARE_NAMESPACES = CLONE_NAMESPACES | 0x80 /* CLONE_NEWTIME, which C libraries before 2.36 do not name */,
    /* The rest of a socket's type says how to open it. */
    TYPE_BITS = 0xf,
};

static const uint32_t ALL_BITS = UINT32_MAX;

/* AF_INET and AF_INET6 differ in one bit: without it, one comparison is for both. */
static const uint32_t INTERNET_BITS = ~(uint32_t)(AF_INET ^ AF_INET6);
_Static_assert(((AF_INET ^ AF_INET6) & ((AF_INET ^ AF_INET6) - 1)) == 0, "one bit");

static const uint32_t PERSONALITIES[] = {0 /* PER_LINUX */, ADDR_NO_RANDOMIZE, UINT32_MAX /* only asks */};
static const uint32_t LOCAL[] = {AF_UNIX};
static const uint32_t DOMAINS[] = {AF_UNIX, AF_INET, AF_INET6};
static const uint32_t TYPES[] = {SOCK_STREAM, SOCK_DGRAM};
static const uint32_t PROTOCOLS[] = {0, IPPROTO_TCP, IPPROTO_UDP};
static const uint32_t BUFFER_SIZES[] = {SO_SNDBUF, SO_RCVBUF};

static scmp_filter_ctx filter;

static void must(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "filter: %s: %s\n", what, strerror(-result));
    exit(1);
}

/* What has to hold of a call's arguments for a rule to speak; it has room for as many as any rule here asks for. */
struct conditions {
    struct scmp_arg_cmp comparisons[3];
    unsigned count;
};

/*
 * The arguments that are looked at are ints, and only the low half of a register that holds one means anything. A
 * comparison under a mask leaves the high half out.
 */
static struct conditions with(struct conditions conditions, unsigned argument, uint32_t bits, uint32_t value)
{
    conditions.comparisons[conditions.count++] = SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, bits, value);
    return conditions;
}

/* A call that the architecture does not have is passed over by libseccomp. */
static void answer(const char *call, uint32_t action, struct conditions conditions)
{
    int number = seccomp_syscall_resolve_name(call);
    if (number == __NR_SCMP_ERROR)
        must(-ENOSYS, call);
    must(seccomp_rule_add_array(filter, action, number, conditions.count, conditions.comparisons), call);
}

static void refuse(const char *call, int error, struct conditions conditions)
{
    answer(call, SCMP_ACT_ERRNO(error), conditions);
}

static void refuse_groups(const struct group *groups, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (const char *const *call = groups[i].calls; *call; call++)
            refuse(*call, groups[i].error, (struct conditions){0});
}

/* Any of these flags in the first argument. */
static void refuse_flags(const char *call, int error, uint32_t flags)
{
    for (uint32_t flag = 1; flag; flag <<= 1)
        if (flags & flag)
            refuse(call, error, with((struct conditions){0}, 0, flag, flag));
}

/* One argument, the bits of it that count, and which values may be there. */
struct choice {
    unsigned argument;
    uint32_t bits;
    const uint32_t *allowed;
    size_t count;
};

static size_t allowed_in(const struct choice *choice, uint32_t mask, uint32_t block)
{
    size_t found = 0;
    for (size_t i = 0; i < choice->count; i++)
        found += (choice->allowed[i] & mask) == block;
    return found;
}

/*
 * Every value but the allowed ones. A rule of libseccomp's looks at an argument once, so "neither this nor that" cannot
 * be said in one: the other values are refused in blocks of equal leading bits, as routes to networks are written. A
 * block with an allowed value in it is halved, down to that value alone.
 */
static void refuse_block(const char *call, int error, struct conditions given, const struct choice *choice,
                         uint32_t mask, uint32_t block)
{
    if (allowed_in(choice, mask, block) == 0) {
        refuse(call, error, with(given, choice->argument, mask, block));
        return;
    }
    if (mask == choice->bits)
        return;
    uint32_t next = UINT32_C(1) << 31;
    while (!(choice->bits & ~mask & next))
        next >>= 1;
    refuse_block(call, error, given, choice, mask | next, block);
    refuse_block(call, error, given, choice, mask | next, block | next);
}

static void refuse_others(const char *call, int error, struct conditions given, struct choice choice)
{
    refuse_block(call, error, given, &choice, 0, 0);
}

/* Stream and datagram sockets of the loopback; other protocols would make the kernel load modules for a guest. */
static void refuse_sockets(void)
{
    struct conditions none = {0};
    refuse_others("socketpair", EAFNOSUPPORT, none, (struct choice){0, ALL_BITS, LOCAL, COUNT(LOCAL)});
    refuse_others("socket", EAFNOSUPPORT, none, (struct choice){0, ALL_BITS, DOMAINS, COUNT(DOMAINS)});
    struct conditions internet = with(none, 0, INTERNET_BITS, AF_INET & AF_INET6);
    refuse_others("socket", EPERM, internet, (struct choice){1, TYPE_BITS, TYPES, COUNT(TYPES)});
    for (size_t i = 0; i < COUNT(TYPES); i++)
        refuse_others("socket", EPROTONOSUPPORT, with(internet, 1, TYPE_BITS, TYPES[i]),
                      (struct choice){2, ALL_BITS, PROTOCOLS, COUNT(PROTOCOLS)});
}

/* Calls that every descriptor knows, with numbers among a terminal's. */
#define EVERY_DESCRIPTORS FIONREAD, TIOCOUTQ, FIONBIO, FIOASYNC, FIOCLEX, FIONCLEX, FIOQSIZE

/*
 * No program has a terminal by itself, so what is asked of one is answered as for a pipe. Were there one, a program
 * could have the kernel load a module for a line discipline, or do its work where nobody's processor time is counted.
 * Some numbers among a terminal's are those of every descriptor.
 */
static void refuse_terminals(void)
{
    static const uint32_t EVERYBODYS[] = {EVERY_DESCRIPTORS};
    static const struct choice OTHERS = {1, 0xffff /* the rest says how large an argument is */, EVERYBODYS,
                                         COUNT(EVERYBODYS)};
    refuse_block("ioctl", ENOTTY, (struct conditions){0}, &OTHERS, 0xff00, 'T' << 8);
}

/*
 * Whoever has a terminal may ask for its modes and its size, and say who is in the foreground: that is work of its own
 * processor time. Not to be had are the calls that make another terminal or a line discipline, type for the user
 * (TIOCSTI), or lock others out. What was printed cannot be thrown away: a program that writes and flushes in a loop
 * would never wait for its reader, and the kernel's threads, at nobody's cost, would never rest.
 */
static void bound_terminals(void)
{
    /* The second generation of the first calls, which C libraries begin to use. */
    static const uint32_t ITS_USERS[] = {EVERY_DESCRIPTORS,
                                         TCGETS,
                                         TCSETS,
                                         TCSETSW,
                                         TCSETSF,
                                         TCSBRK,
                                         TCFLSH,
                                         TIOCGPGRP,
                                         TIOCSPGRP,
                                         TIOCGWINSZ,
                                         TIOCSWINSZ,
                                         TIOCGSID,
                                         'T' << 8 | 0x2a /* TCGETS2 */,
                                         'T' << 8 | 0x2b /* TCSETS2 */,
                                         'T' << 8 | 0x2c /* TCSETSW2 */,
                                         'T' << 8 | 0x2d /* TCSETSF2 */};
    static const uint32_t OUTPUT[] = {TCOFLUSH, TCIOFLUSH};
    static const struct choice OTHERS = {1, 0xffff, ITS_USERS, COUNT(ITS_USERS)};
    refuse_block("ioctl", ENOTTY, (struct conditions){0}, &OTHERS, 0xff00, 'T' << 8);
    for (size_t i = 0; i < COUNT(OUTPUT); i++)
        refuse("ioctl", 0, with(with((struct conditions){0}, 1, 0xffff, TCFLSH), 2, ALL_BITS, OUTPUT[i]));
}

/*
 * A lock on a range of a file is memory that nobody counts: the runner is asked (locks.h). Locks of an open file are
 * not in its container's list alone, and few programs know them. Leases and notices of directories are the kernel's
 * oldest ways to watch others; like those that lack the kernel's option, programs do without.
 */
static void bound_locks(void)
{
    static const uint32_t ASKED[] = {F_SETLK, F_SETLKW};
    static const uint32_t UNKNOWN[] = {F_OFD_SETLK, F_OFD_SETLKW, F_SETLEASE, F_NOTIFY};
    struct conditions none = {0};
    for (size_t i = 0; i < COUNT(ASKED); i++)
        answer("fcntl", SCMP_ACT_NOTIFY, with(none, 1, ALL_BITS, ASKED[i]));
    for (size_t i = 0; i < COUNT(UNKNOWN); i++)
        refuse("fcntl", EINVAL, with(none, 1, ALL_BITS, UNKNOWN[i]));
}

/*
 * Reads that tell what is in the page cache or drop it again, as files without them answer; and advice that empties it,
 * or has the kernel look for pages that a neighbour has as well, as kernels without it answer.
 */
static void keep_page_cache(void)
{
    static const uint32_t FLAGS[] = {RWF_NOWAIT, 0x80 /* RWF_DONTCACHE, of Linux 6.14 */};
    static const uint32_t ADVICE[] = {MADV_MERGEABLE, 20 /* MADV_COLD */, 21 /* MADV_PAGEOUT */};
    struct conditions none = {0};
    for (size_t i = 0; i < COUNT(FLAGS); i++) {
        refuse("preadv2", EOPNOTSUPP, with(none, 5, FLAGS[i], FLAGS[i]));
        refuse("pwritev2", EOPNOTSUPP, with(none, 5, FLAGS[i], FLAGS[i]));
    }
    for (size_t i = 0; i < COUNT(ADVICE); i++)
        refuse("madvise", EINVAL, with(none, 2, ALL_BITS, ADVICE[i]));
}

/* Linux asks for a right; gVisor makes them for anybody, though it opens few. */
static void refuse_devices(void)
{
    static const uint32_t DEVICES[] = {S_IFCHR, S_IFBLK};
    for (size_t i = 0; i < COUNT(DEVICES); i++) {
        refuse("mknod", EPERM, with((struct conditions){0}, 1, S_IFMT, DEVICES[i]));
        refuse("mknodat", EPERM, with((struct conditions){0}, 2, S_IFMT, DEVICES[i]));
    }
}

/* The other ways to a filter of a program's own. */
static void refuse_filters(void)
{
    static const uint32_t ATTACHED[] = {SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF,
                                        SO_ATTACH_REUSEPORT_EBPF};
    for (size_t i = 0; i < COUNT(ATTACHED); i++) {
        struct conditions level = with((struct conditions){0}, 1, ALL_BITS, SOL_SOCKET);
        refuse("setsockopt", EPERM, with(level, 2, ALL_BITS, ATTACHED[i]));
    }
    refuse("prctl", EINVAL, with((struct conditions){0}, 0, ALL_BITS, PR_SET_SECCOMP));
}

/* The sizes that the kernel chooses are large enough; what lies in a socket is not always charged to the container. */
static void keep_buffer_sizes(void)
{
    for (size_t i = 0; i < COUNT(BUFFER_SIZES); i++) {
        struct conditions level = with((struct conditions){0}, 1, ALL_BITS, SOL_SOCKET);
        refuse("setsockopt", 0, with(level, 2, ALL_BITS, BUFFER_SIZES[i]));
    }
}

static void begin(const char *architecture)
{
    uint32_t wanted = architecture ? seccomp_arch_resolve_name(architecture) : seccomp_arch_native();
    if (!wanted)
        must(-EINVAL, architecture);
    /* What the runner's kernel can do, not the building one's: to ask a process is level 5. */
    must(seccomp_api_set(5), "level");
    filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        must(-ENOMEM, "begin");
    if (wanted != seccomp_arch_native()) {
        must(seccomp_arch_add(filter, wanted), architecture);
        must(seccomp_arch_remove(filter, seccomp_arch_native()), architecture);
    }
    /* The entries of other architectures, 32-bit ones above all, have numbers that the table does not mean. */
    must(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS)), "other architectures");
    /* A tree of comparisons, not a row of them: a call that is allowed would pass all of the row. */
    must(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimise");
}

/* What libseccomp has no word for: a call newer than the table. It stands in front; jumps are relative, so it may. */
static void write_head(void)
{
    static const struct sock_filter HEAD[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, NEWEST_JUDGED, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    };
    if (write(STDOUT_FILENO, HEAD, sizeof(HEAD)) != sizeof(HEAD))
        must(-EIO, "write");
}

static void refuse_making(void)
{
    refuse_groups(MAKING, COUNT(MAKING));
    refuse_flags("clone", EPERM, CLONE_NAMESPACES);
}

static void refuse_the_rest(bool terminal)
{
    refuse_groups(REFUSED, COUNT(REFUSED));
    refuse_flags("unshare", EPERM, UNSHARE_NAMESPACES);
    refuse_others("personality", EPERM, (struct conditions){0},
                  (struct choice){0, ALL_BITS, PERSONALITIES, COUNT(PERSONALITIES)});
    refuse_sockets();
    keep_buffer_sizes();
    keep_page_cache();
    refuse_filters();
    refuse_devices();
    bound_locks();
    if (terminal)
        bound_terminals();
    else
        refuse_terminals();
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 && strncmp(argv[1], "--", 2) == 0 ? argv[1] : "";
    const char *architecture = *kind ? argv[2] : argv[1];
    begin(architecture);
    if (strcmp(kind, "--maker") != 0)
        refuse_making();
    if (strcmp(kind, "--cell") != 0)
        refuse_the_rest(strcmp(kind, "--terminal") == 0);
    write_head();
    must(seccomp_export_bpf(filter, STDOUT_FILENO), "write");
    return 0;
}
