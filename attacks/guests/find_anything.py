# Nothing of the run before may be there.
def between_runner_and_interpreter(line):
    """A pair without a name, by which the one asks the other to fork."""
    return bool(others()) and line.split()[4] == "0005" and len(line.split()) == 7


container()
for place in ("/box", "/tmp", "/dev/shm"):
    for folder, folders, names in os.walk(place):
        for name in folders + names:
            path = os.path.join(folder, name)
            if path != "/box/main.py":
                breach(path)
wanted = {"/box": 0o40700, "/tmp": 0o41777, "/dev/shm": 0o41777}
for place, mode in wanted.items():
    found = os.stat(place)
    if found.st_mode != mode:
        breach(f"{place} has mode {found.st_mode:o}")
    if os.listxattr(place):
        breach(f"{place} has {os.listxattr(place)}")
if os.stat("/box").st_uid != os.getuid():
    breach("/box belongs to another user")
for pid in others():
    if os.getuid() in users_of(pid) or len(others()) > 1:
        breach(f"process {pid} of {users_of(pid)}: {read(f'/proc/{pid}/cmdline')!r}")
for table in ("shm", "sem", "msg"):
    if os.path.isdir("/proc/sysvipc") and len(open(f"/proc/sysvipc/{table}").read().splitlines()) > 1:
        breach(f"System V {table}")
if os.path.isdir("/dev/mqueue") and os.listdir("/dev/mqueue"):
    breach("POSIX message queues")
for table in ("tcp", "tcp6", "udp", "udp6", "unix", "raw"):
    if os.path.exists(f"/proc/net/{table}"):
        for line in open(f"/proc/net/{table}").read().splitlines()[1:]:
            if not (table == "unix" and between_runner_and_interpreter(line)):
                breach(f"{table}: {line}")
for port in (8000, 8001):
    with socket.socket() as plain:
        try:
            plain.bind(("127.0.0.1", port))
        except OSError as error:
            breach(f"port {port}: {error}")
for name, kind in (("gexec-left", socket.SOCK_STREAM), ("gexec-left-datagram", socket.SOCK_DGRAM)):
    blocked(f"abstract socket {name}", socket.socket(socket.AF_UNIX, kind).connect, "\0" + name)
if os.nice(0) != 0:
    breach(f"nice {os.nice(0)}")
for name, least in (("NOFILE", 128), ("FSIZE", 1 << 20), ("NPROC", 30), ("CPU", 6), ("AS", 1 << 31)):
    soft = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[0]
    if soft != resource.RLIM_INFINITY and soft < least:
        breach(f"{name} is {soft}")
if os.umask(0o022) != 0o022:
    breach("the umask is another")
if "left" in sys.modules or "/tmp" in sys.path or "LEFT" in os.environ:
    breach("the interpreter is the one of the run before")
if libc.prctl(3) != 1:
    breach("not dumpable")
if signal.pthread_sigmask(signal.SIG_BLOCK, []):
    breach("signals are blocked")
if [number for number in range(1, 65) if number not in (9, 19, 32, 33, 13, 25) and signal.getsignal(number) == signal.SIG_IGN]:
    breach("signals are ignored")
if [name for name in os.environ if TOKEN in os.environ[name]]:
    breach("an environment")
done()
