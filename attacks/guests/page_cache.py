# What a neighbour reads of an image's files, by what the kernel keeps of them.
import sys as _sys

path = next(path for path in (_sys._stdlib_dir + "/mailcap.py", _sys._stdlib_dir + "/turtle.py", _sys._stdlib_dir + "/this.py") if os.path.exists(path))
fd = os.open(path, os.O_RDONLY)
size = os.fstat(fd).st_size


def first_read():
    began = time.perf_counter_ns()
    os.pread(fd, 4096, 0)
    return time.perf_counter_ns() - began


first_read()
warm = min(first_read() for _ in range(20))
emptied = []
for _ in range(10):
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    emptied.append(first_read())
middle = sorted(emptied)[5]
(breach if middle > 10 * warm + 20_000 else held)(f"read in {warm} ns, after advice to forget it in {middle} ns")
for flag, name in ((8, "RWF_NOWAIT"), (0x80, "RWF_DONTCACHE")):
    blocked(name, os.preadv, fd, [bytearray(4096)], 0, flag)
with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as view:
    for advice, name in ((20, "MADV_COLD"), (21, "MADV_PAGEOUT"), (12, "MADV_MERGEABLE")):
        blocked(name, view.madvise, advice)
done()
