KIND = "@KIND@"
SIZE = 2 << 20
VAST = 1 << 31
MANY = 1000


def vectors(name):
    """Two gigabytes in one call, into the same two megabytes again and again."""
    source, buffer = os.open(name, os.O_RDONLY), bytearray(SIZE)
    while True:
        os.readv(source, [buffer] * MANY)


def alias():
    """Two gigabytes of addresses that share two megabytes of memory."""
    shared = os.memfd_create("alias")
    os.ftruncate(shared, SIZE)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long]
    start = libc.mmap(None, VAST, 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, -1, 0)
    for at in range(start, start + VAST, SIZE):
        libc.mmap(at, SIZE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED | 0x10, shared, 0)
    return start


def getrandom():
    start = ctypes.c_void_p(alias())
    while True:
        libc.getrandom(start, ctypes.c_size_t(VAST - 4096), 0)


def madvise():
    start = ctypes.c_void_p(alias())
    while True:
        libc.madvise(start, ctypes.c_size_t(VAST), 23)  # MADV_POPULATE_WRITE
        libc.madvise(start, ctypes.c_size_t(VAST), 4)  # MADV_DONTNEED


def mlock():
    start = ctypes.c_void_p(alias())
    while True:
        libc.mlock(start, ctypes.c_size_t(VAST))
        libc.munlock(start, ctypes.c_size_t(VAST))


def file_of(size):
    made = os.open("/box", os.O_TMPFILE | os.O_RDWR)
    os.posix_fallocate(made, 0, size)
    return made


def copy_file_range():
    source, target = file_of(SIZE), file_of(SIZE)
    while True:
        os.copy_file_range(source, target, SIZE, 0, 0)


def sendfile():
    source, target = os.open("/dev/zero", os.O_RDONLY), os.open("/dev/null", os.O_WRONLY)
    while True:
        os.sendfile(target, source, None, VAST - 4096)


def splice():
    source, target, (end, begin) = os.open("/dev/zero", os.O_RDONLY), os.open("/dev/null", os.O_WRONLY), os.pipe()
    while True:
        os.splice(source, begin, 65536)
        os.splice(end, target, 65536)


def fallocate():
    made = file_of(SIZE)
    while True:
        os.ftruncate(made, 0)
        os.posix_fallocate(made, 0, SIZE)


def futex():
    word = ctypes.c_int(0)
    for _ in range(6):
        threading.Thread(target=lambda: [syscall(202, ctypes.byref(word), 1, 1000, 0, 0, 0) for _ in iter(int, 1)]).start()


print("before", flush=True)
for _ in range(3):
    if os.fork() == 0:
        break
if KIND in ("/dev/urandom", "/dev/zero"):
    vectors(KIND)
globals()[KIND]()
