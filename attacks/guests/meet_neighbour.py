# Sent twice at once: each leaves a mark wherever it can, and looks for the other's.
container()
me = f"{os.getuid()}-{os.getpid()}-{time.monotonic_ns()}"
mark = f"{TOKEN}-{me}"
meeting = "\0" + TOKEN
listener = socket.socket(socket.AF_UNIX)
try:
    listener.bind(meeting)
    listener.listen()
except OSError:
    breach("the abstract name is taken by a neighbour")
for place in ("/box", "/tmp", "/dev/shm"):
    open(f"{place}/{mark}", "w").write(mark)
for port in (8100, 8101):
    try:
        socket.create_server(("0.0.0.0", port))
    except OSError as error:
        breach(f"port {port}: {error}")
locks = []
for path in ("/etc/hosts", "/etc/resolv.conf", "/etc/hostname", "/.gexec/runner", "/.gexec", "/etc/passwd", "/usr/bin/env", "/box", "/tmp", "/dev/null", "/dev/pts"):
    try:
        fd = os.open(path, os.O_RDONLY)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        locks.append(fd)
    except BlockingIOError:
        breach(f"{path} is locked by a neighbour")
    except OSError:
        pass
child = os.fork()
if child == 0:
    libc.prctl(15, mark.encode()[:15])
    time.sleep(60)
until = time.monotonic() + 1.5
while time.monotonic() < until:
    for place in ("/box", "/tmp", "/dev/shm"):
        for name in os.listdir(place):
            if TOKEN in name and name != mark:
                breach(f"{place}/{name}")
    # The interpreter that waits beside this program is one; a neighbour would bring a runner as well.
    seen = set(others()) - {child}
    if len(seen) > 1:
        breach(f"processes {seen}")
    if open("/proc/net/unix").read().count(TOKEN) > 1:
        breach("two listeners of one name")
    if len([name for name in os.listdir("/dev/pts") if name.isdigit()] if os.path.isdir("/dev/pts") else []) > 0:
        breach("a neighbour's terminal")
    time.sleep(0.1)
os.kill(child, signal.SIGKILL)
done()
os._exit(0)
