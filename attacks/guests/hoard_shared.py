# Things of which the kernel has one number for the whole machine, taken by many processes and kept.
def hoard():
    kept = []
    context = ctypes.c_ulong(0)
    while X86 and syscall(206, 100, ctypes.addressof(context))[0] == 0:
        context = ctypes.c_ulong(0)
    try:
        while True:
            kept.append(os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY))
            breach("a terminal")
    except OSError:
        pass
    inotify = libc.inotify_init1(0)
    while libc.inotify_init1(0) >= 0:
        pass
    for number in range(20000):
        if libc.inotify_add_watch(inotify, f"/proc/self/fd/{number % 3}".encode(), 2) < 0:
            break
    time.sleep(60)


for _ in range(25):
    try:
        if os.fork() == 0:
            hoard()
    except OSError:
        break
time.sleep(3)
if os.path.exists("/proc/sys/fs/aio-nr"):
    print("aio:", open("/proc/sys/fs/aio-nr").read().strip(), "ptys:", open("/proc/sys/kernel/pty/nr").read().strip(), flush=True)
done()
os._exit(0)
