signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for place in ("/box", "/tmp", "/dev/shm"):
    total = 0
    try:
        with open(f"{place}/huge", "wb") as file:
            for _ in range(1024):
                total += os.write(file.fileno(), b"x" * (1 << 20))
    except OSError as error:
        held(f"{place}: {error.strerror} after {total >> 20} MB")
    else:
        breach(f"{place} took 1 GB")
    os.unlink(f"{place}/huge")
done()
