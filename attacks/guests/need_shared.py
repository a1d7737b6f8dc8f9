# What an ordinary program may want while a neighbour hoards.
# gVisor has one number of neither: its kernel is this container's alone.
if os.path.exists("/proc/sys/fs/aio-nr"):
    if int(open("/proc/sys/fs/aio-nr").read()) > int(open("/proc/sys/fs/aio-max-nr").read()) // 2:
        breach("a neighbour took the machine's asynchronous I/O")
    taken = int(open("/proc/sys/kernel/pty/nr").read())
    (breach if taken > 1024 else held)(f"{taken} terminals are open on the machine")
if libc.inotify_init1(0) < 0:
    breach("inotify")
for _ in range(50):
    os.pipe()
with socket.create_server(("127.0.0.1", 0)) as listener:
    socket.create_connection(listener.getsockname(), timeout=2)
time.sleep(0.1)
done()
