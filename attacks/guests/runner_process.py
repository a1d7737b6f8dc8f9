# The first process of the container: looking into it, writing to it, tracing, stopping and ending it.
refused("ptrace attach", 101, 16, 1, 0, 0)
refused("ptrace seize", 101, 0x4206, 1, 0, 0)
local, remote = ctypes.create_string_buffer(4096), struct.pack("QQ", 0x400000, 4096)
vector = struct.pack("QQ", ctypes.addressof(local), 4096)
for name, number in (("process_vm_readv", 310), ("process_vm_writev", 311)):
    if syscall(number, 1, vector, 1, remote, 1, 0)[0] >= 0:
        breach(name)
pidfd, _ = syscall(434, 1, 0)
for fd in range(8):
    if pidfd >= 0 and syscall(438, pidfd, fd, 0)[0] >= 0:
        breach(f"pidfd_getfd {fd}")
if pidfd >= 0:
    for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM):
        if syscall(424, pidfd, int(number), None, 0)[0] >= 0:
            breach(f"pidfd_send_signal {number}")
    if syscall(440, pidfd, vector, 1, 21, 0)[0] >= 0:
        breach("process_madvise")
    if syscall(448, pidfd, 0)[0] >= 0:
        breach("process_mrelease")
for number in range(1, 65):
    if number not in (32, 33):
        blocked(f"kill 1 with {number}", os.kill, 1, number)
        if syscall(200, 1, number)[0] == 0 or syscall(234, 1, 1, number)[0] == 0:
            breach(f"tkill 1 with {number}")
        if syscall(129, 1, number, struct.pack("iii", number, 0, -1) + b"\0" * 116)[0] == 0:
            breach(f"sigqueue 1 with {number}")
for name in ("mem", "environ", "maps", "smaps", "auxv", "stack", "syscall", "io", "pagemap", "personality", "timers"):
    blocked(f"/proc/1/{name}", lambda: read(f"/proc/1/{name}") or os.open("/nowhere", 0))
for name in ("cwd", "root", "exe"):
    blocked(f"/proc/1/{name}", os.readlink, f"/proc/1/{name}")
    blocked(f"into /proc/1/{name}", os.open, f"/proc/1/{name}/", os.O_RDONLY)
for name in ("fd", "fdinfo", "map_files"):
    blocked(f"/proc/1/{name}", lambda: os.listdir(f"/proc/1/{name}") or os.open("/nowhere", 0))
for fd in range(16):
    blocked(f"/proc/1/fd/{fd}", os.open, f"/proc/1/fd/{fd}", os.O_WRONLY)
for name in ("mem", "comm", "oom_score_adj", "coredump_filter", "clear_refs", "timerslack_ns", "task/1/comm", "autogroup", "setgroups"):
    blocked(f"write /proc/1/{name}", write, f"/proc/1/{name}")
blocked("write /proc/self/mem", write, "/proc/self/mem")
for limit in range(16):
    blocked(f"prlimit {limit}", resource.prlimit, 1, limit, (0, 0))
for name, number, arguments in (
    ("sched_setscheduler", 144, (1, 1, struct.pack("i", 1))),
    ("sched_setparam", 142, (1, struct.pack("i", 1))),
    ("sched_setattr", 314, (1, struct.pack("IIQiIQQQ", 48, 0, 0, 19, 0, 0, 0, 0), 0)),
    ("sched_setaffinity", 203, (1, 8, struct.pack("Q", 1))),
    ("setpriority", 141, (0, 1, 19)),
    ("ioprio_set", 251, (1, 1, 3 << 13)),
    ("migrate_pages", 256, (1, 8, struct.pack("Q", 1), struct.pack("Q", 1))),
    ("move_pages", 279, (1, 0, None, None, None, 0)),
    ("kcmp", 312, (1, os.getpid(), 0, 0, 0)),
    ("setpgid", 109, (1, os.getpid())),
    ("get_robust_list", 274, (1, struct.pack("Q", 0), struct.pack("Q", 0))),
):
    if X86 and syscall(number, *arguments)[0] >= 0:
        breach(name)
done()
