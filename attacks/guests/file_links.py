# Links over every path that the runner touches, so that what it does to them would happen elsewhere.
for name in ("main.py", "main", "fifo", "compiled"):
    for place in ("/box", "/tmp", "/dev/shm"):
        path = f"{place}/{name}"
        try:
            os.unlink(path)
        except OSError:
            pass
        os.symlink("/etc/passwd" if name == "main" else "/proc/1/root", path)
for place in ("/box", "/tmp", "/dev/shm"):
    blocked(f"replace {place}", os.rename, place, place + ".old")
    blocked(f"remove {place}", os.rmdir, place)
os.symlink("/", "/tmp/root")
os.symlink("/dev/shm", "/box/shm")
os.symlink("/box", "/dev/shm/box")
done()
