# All that one run could leave for the next one in the same container.
import shutil

container()
for place in ("/box", "/tmp", "/dev/shm"):
    os.makedirs(f"{place}/{TOKEN}/deep/deeper")
    open(f"{place}/{TOKEN}/deep/file", "w").write("a secret of the run before")
    open(f"{place}/sitecustomize.py", "w").write("print('BREACH code of the run before')")
    open(f"{place}/main.pyc", "w").write("x")
    os.symlink("/etc/passwd", f"{place}/link")
    os.mkfifo(f"{place}/fifo")
    os.chmod(f"{place}/{TOKEN}/deep", 0)
try:
    os.setxattr("/box", "user.left", b"x")
except OSError:
    pass
os.chmod("/box", 0o777)
blocked("chmod /tmp", os.chmod, "/tmp", 0o700)
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    abstract = socket.socket(socket.AF_UNIX, kind)
    abstract.bind("\0" + ("gexec-left" if kind == socket.SOCK_STREAM else "gexec-left-datagram"))
# A port in TIME_WAIT, and one with a listener that is still open in a daemon.
listener = socket.create_server(("127.0.0.1", 8000))
client = socket.create_connection(("127.0.0.1", 8000))
server, _ = listener.accept()
server.close()
client.close()
keeper = socket.create_server(("127.0.0.1", 8001))
for name, value in (("NOFILE", 64), ("FSIZE", 1000), ("NPROC", 5), ("CPU", 3), ("AS", 1 << 30)):
    resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
sys.modules["left"] = sys
sys.path.append("/tmp")
os.environ["LEFT"] = TOKEN
os.nice(5)
os.umask(0o777)
libc.prctl(4, 0)
if os.fork() == 0:
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    held_open = os.open("/tmp", os.O_RDONLY)
    deleted = os.open("/tmp/deleted", os.O_CREAT | os.O_RDWR, 0o600)
    os.unlink("/tmp/deleted")
    while True:
        time.sleep(1)
done()
os._exit(0)
