signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for place in ("/box", "/tmp", "/dev/shm"):
    with open(f"{place}/sparse", "wb") as file:
        blocked(f"{place} 1 PB by truncate", os.ftruncate, file.fileno(), 1 << 50)
        blocked(f"{place} 1 PB by pwrite", os.pwrite, file.fileno(), b"x", 1 << 50)
        blocked(f"{place} 1 PB by fallocate", os.posix_fallocate, file.fileno(), 0, 1 << 50)
done()
