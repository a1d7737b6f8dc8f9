# The first process of the container, and the interpreter that may wait beside it: looking into them, writing to them,
# tracing, stopping and ending them.
def attack(pid):
    refused("ptrace attach", 101, 16, pid, 0, 0)
    refused("ptrace seize", 101, 0x4206, pid, 0, 0)
    local, remote = ctypes.create_string_buffer(4096), struct.pack("QQ", 0x400000, 4096)
    vector = struct.pack("QQ", ctypes.addressof(local), 4096)
    for name, number in (("process_vm_readv", 310), ("process_vm_writev", 311)):
        if syscall(number, pid, vector, 1, remote, 1, 0)[0] >= 0:
            breach(name)
    pidfd, _ = syscall(434, pid, 0)
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
            blocked(f"kill {pid} with {number}", os.kill, pid, number)
            if syscall(200, pid, number)[0] == 0 or syscall(234, pid, pid, number)[0] == 0:
                breach(f"tkill {pid} with {number}")
            if syscall(129, pid, number, struct.pack("iii", number, 0, -1) + b"\0" * 116)[0] == 0:
                breach(f"sigqueue {pid} with {number}")
    for name in ("mem", "environ", "maps", "smaps", "auxv", "stack", "syscall", "io", "pagemap", "personality", "timers"):
        blocked(f"/proc/{pid}/{name}", lambda: read(f"/proc/{pid}/{name}") or os.open("/nowhere", 0))
    for name in ("cwd", "root", "exe"):
        blocked(f"/proc/{pid}/{name}", os.readlink, f"/proc/{pid}/{name}")
        blocked(f"into /proc/{pid}/{name}", os.open, f"/proc/{pid}/{name}/", os.O_RDONLY)
    for name in ("fd", "fdinfo", "map_files"):
        blocked(f"/proc/{pid}/{name}", lambda: os.listdir(f"/proc/{pid}/{name}") or os.open("/nowhere", 0))
    for fd in range(16):
        blocked(f"/proc/{pid}/fd/{fd}", os.open, f"/proc/{pid}/fd/{fd}", os.O_WRONLY)
    for name in ("mem", "comm", "oom_score_adj", "coredump_filter", "clear_refs", "timerslack_ns", "task/1/comm", "autogroup", "setgroups"):
        blocked(f"write /proc/{pid}/{name}", write, f"/proc/{pid}/{name}")
    blocked("write /proc/self/mem", write, "/proc/self/mem")
    for limit in range(16):
        blocked(f"prlimit {pid} {limit}", resource.prlimit, pid, limit, (0, 0))
    for name, number, arguments in (
        ("sched_setscheduler", 144, (pid, 1, struct.pack("i", 1))),
        ("sched_setparam", 142, (pid, struct.pack("i", 1))),
        ("sched_setattr", 314, (pid, struct.pack("IIQiIQQQ", 48, 0, 0, 19, 0, 0, 0, 0), 0)),
        ("sched_setaffinity", 203, (pid, 8, struct.pack("Q", 1))),
        ("setpriority", 141, (0, pid, 19)),
        ("ioprio_set", 251, (1, pid, 3 << 13)),
        ("migrate_pages", 256, (pid, 8, struct.pack("Q", 1), struct.pack("Q", 1))),
        ("move_pages", 279, (pid, 0, None, None, None, 0)),
        ("kcmp", 312, (pid, os.getpid(), 0, 0, 0)),
        ("setpgid", 109, (pid, os.getpid())),
        ("get_robust_list", 274, (pid, struct.pack("Q", 0), struct.pack("Q", 0))),
    ):
        if X86 and syscall(number, *arguments)[0] >= 0:
            breach(name)


for pid in (1, *others()):
    attack(pid)
done()
