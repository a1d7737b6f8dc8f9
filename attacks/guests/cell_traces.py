# What the kernel, or the container around, could tell of the cells before: the first run makes it, the next looks.
def counted():
    """Every number of the control group that only ever grows."""
    for folder, folders, names in os.walk("/sys/fs/cgroup"):
        for name in names:
            if re.search(r"(\.stat|\.stat\.local|numa_stat|\.events|\.peak|failcnt|max_usage_in_bytes|oom_control|pressure)$|^cpuacct\.|^blkio\.|^io\.", name):
                yield os.path.join(folder, name)


container()
for path in counted():
    try:
        text = open(path).read()
    except OSError:
        continue
    if text.strip():
        breach(f"{path}: {text[:60]!r}")
# Times of devices, and of what else is there for all cells: nobody sets them, and reading leaves none.
for path in ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"):
    before = os.stat(path)
    blocked(f"utime {path}", os.utime, path)
    blocked(f"set {path}", os.utime, path, (1, 1))
    blocked(f"chmod {path}", os.chmod, path, 0o600)
    try:
        os.setxattr(path, "user.left", b"x")
        breach(f"an attribute of {path}")
    except OSError:
        pass
    fd = os.open(path, os.O_RDWR if path != "/dev/full" else os.O_RDONLY)
    os.read(fd, 1)
    os.close(fd)
    after = os.stat(path)
    if (before.st_atime_ns, before.st_mtime_ns, before.st_ctime_ns) != (after.st_atime_ns, after.st_mtime_ns, after.st_ctime_ns):
        breach(f"the times of {path} have changed")
# Nothing else can be written that outlives a cell.
for folder, folders, names in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/sys", "/usr", "/box", "/tmp", "/dev/shm")]
    if os.access(folder, os.W_OK):
        breach(f"{folder} can be written")
    for name in names:
        path = os.path.join(folder, name)
        if not os.path.islink(path) and os.access(path, os.W_OK) and not path.startswith("/dev/"):
            breach(f"{path} can be written")
# Memory, processes, and what the kernel counts for each user: the run before took all that it could get.
large = mmap.mmap(-1, 80 << 20)
for offset in range(0, len(large), 4096):
    large[offset] = 1
large.close()
children = []
for _ in range(30):
    child = os.fork()
    if child == 0:
        time.sleep(30)
        os._exit(0)
    children.append(child)
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
pipes = [os.pipe() for _ in range(30)]
for reader, writer in pipes:
    fcntl.fcntl(writer, 1031, 1 << 20)
for number in range(100):
    if libc.inotify_add_watch(libc.inotify_init() if number == 0 else 0, b"/tmp", 2) == -2:
        breach("no watches")
# As full as it gets, for the next one.
for place, size in (("/box", 24 << 20), ("/tmp", 16 << 20), ("/dev/shm", 6 << 20)):
    try:
        with open(f"{place}/full", "wb") as file:
            file.write(b"x" * size)
    except OSError:
        pass
for _ in range(30):
    if os.fork() == 0:
        os.setsid()
        time.sleep(60)
        os._exit(0)
done()
