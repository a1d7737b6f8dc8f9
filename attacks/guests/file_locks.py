# Locks on ranges of a file: memory of the kernel's that no limit counts.
F_OFD_SETLK = 37
END = time.monotonic() + 5


def lock_bytes(fd, command, first, kind=fcntl.F_WRLCK):
    taken = 0
    try:
        while taken < 50_000 and time.monotonic() < END:
            fcntl.fcntl(fd, command, struct.pack("hhxxxxqqixxxx", kind, 0, first - 2 * taken, 1, 0))
            taken += 1
    except OSError as error:
        held(f"after {taken}: {errno.errorcode.get(error.errno, error)}")
    return taken


with open("/box/file", "w+b") as file:
    if taken := lock_bytes(file.fileno(), F_OFD_SETLK, 1 << 32):
        breach(f"{taken} locks of an open file")
    taken = 0
    for number in range(4):
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.write(writer, b"%d" % lock_bytes(file.fileno(), fcntl.F_SETLK, (number + 1) << 32))
            time.sleep(60)
        taken += int(os.read(reader, 20))
    (breach if taken > 40_000 else held)(f"{taken} locks at once")
done()
os._exit(0)
