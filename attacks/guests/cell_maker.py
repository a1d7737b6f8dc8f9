# Out of a cell: to who makes cells, to the container around it, and to the cells before and after.
NS_GET_USERNS, NS_GET_PARENT = 0xB701, 0xB702
container()
# Whoever makes cells is in the PID namespace around this one: it has no number here, and no signal finds it.
seen = [int(name) for name in os.listdir("/proc") if name.isdigit()]
if max(seen) > 200:
    breach(f"numbers of processes go on from those of others: {max(seen)}")
for pid in [pid for pid in range(1, 300) if pid not in seen] + [4_000_000]:
    if syscall(62, pid, 0)[0] == 0:
        breach(f"a process {pid} that /proc does not show")
if os.getppid() != 1 or os.getsid(0) == 0 or os.getpgid(1) == 0:
    breach("a parent, session or group of another PID namespace")
# Namespaces: none above can be opened, none but the own ones are shown, and none can be entered or made.
for name in os.listdir("/proc/self/ns"):
    for pid in (1, *others()):
        blocked(f"/proc/{pid}/ns/{name}", os.open, f"/proc/{pid}/ns/{name}", os.O_RDONLY)
    fd = os.open(f"/proc/self/ns/{name}", os.O_RDONLY)
    if name in ("pid", "user"):
        blocked(f"the parent of {name}", fcntl.ioctl, fd, NS_GET_PARENT)
    refused(f"setns {name}", 308, fd, 0)
    os.close(fd)
user = os.open("/proc/self/ns/user", os.O_RDONLY)
blocked("the user namespace around", fcntl.ioctl, user, NS_GET_USERNS)
os.close(user)
for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x08000000, 0x04000000, 0x02000000, 0x80):
    refused(f"unshare {flag:#x}", 272, flag)
# Users: only three have a meaning here, and none of them can be become.
for number in sorted({0, 1, 1000, 65534, *(int(word) for line in open("/proc/self/uid_map") for word in line.split()[:2])}):
    if number != os.getuid():
        blocked(f"setuid {number}", os.setuid, number)
        blocked(f"setgid {number}", os.setgid, number)
blocked("setgroups", os.setgroups, [0])
for name in ("uid_map", "gid_map", "setgroups"):
    blocked(f"write {name}", write, f"/proc/self/{name}", b"0 0 1\n")
for pid in ("self", "1"):
    if any(re.search("^CapEff:\t0*[1-9a-f]", line) for line in open(f"/proc/{pid}/status") if pid == "self"):
        breach("rights")
# What lies below the directories of the cell is the container's.
for place in ("/proc", "/box", "/tmp", "/dev/shm", "/proc/keys", "/dev", "/sys/fs/cgroup"):
    refused(f"umount {place}", 166, place.encode(), 2)
    refused(f"remount {place}", 165, None, place.encode(), None, 4096 | 32, None)
    refused(f"move {place}", 165, place.encode(), b"/mnt", None, 8192, None)
refused("open_tree", 428, -100, b"/", 1)
refused("pivot_root", 155, b"/box", b"/box")
refused("open_by_handle_at", 304, 3, ctypes.create_string_buffer(32), 0)
# Files in memory of the runner: none is inherited, and none is found by its name.
for fd in range(3, 64):
    if os.path.exists(f"/proc/self/fd/{fd}"):
        breach(f"descriptor {fd}: {os.readlink(f'/proc/self/fd/{fd}')}")
for pid in (1, *others()):
    blocked(f"descriptors of {pid}", os.listdir, f"/proc/{pid}/fd")
if re.search("memfd:(ahead|kept|handed)", open("/proc/self/maps").read()):
    breach("a file of the runner's in this memory")
# Keyrings belong to users and user namespaces, of which cells of one container have the same.
for name, number, arguments in (("add_key", 248, (b"user", b"gexec", b"x", 1, -4)), ("keyctl", 250, (0, -4, 1)), ("request_key", 249, (b"user", b"gexec", None, -4))):
    refused(name, number, *arguments)
# Time is the machine's.
for clock in (0, 1, 7):
    refused(f"clock_settime {clock}", 227, clock, struct.pack("qq", 1, 0))
blocked("timens_offsets", write, "/proc/self/timens_offsets", b"monotonic 1 0\n")
# The runner ends a cell by its exit code: nobody else can give one.
for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD):
    blocked(f"signal {number} to process 1", os.kill, 1, number)
blocked("reboot", lambda: libc.reboot(0x01234567) and os.open("/nowhere", 0))
done()
