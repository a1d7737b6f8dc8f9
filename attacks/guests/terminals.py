# Terminals: the kernel does their work in threads of its own, and loads a module for each line discipline.
TIOCSETD, TIOCSTI, TIOCLINUX, TIOCSPTLCK, TIOCGPTPEER = 0x5423, 0x5412, 0x541C, 0x40045431, 0x5441
for path in ("/dev/ptmx", "/dev/pts/ptmx", "/dev/pts/0", "/dev/tty", "/dev/console"):
    blocked(path, os.open, path, os.O_RDWR | os.O_NOCTTY)
blocked("a pair of terminals", os.openpty)
for discipline in (3, 13, 14, 18):
    blocked(f"line discipline {discipline}", fcntl.ioctl, 0, TIOCSETD, struct.pack("i", discipline))
for request in (TIOCSTI, TIOCLINUX, TIOCSPTLCK, TIOCGPTPEER):
    for fd in (0, 1, 2):
        blocked(f"{request:#x} on {fd}", fcntl.ioctl, fd, request, b"\0" * 8)
try:
    master, slave = os.openpty()
    os.set_blocking(master, False)
    until = time.monotonic() + 3
    while time.monotonic() < until:
        try:
            os.write(master, b"x" * 4096)
        except BlockingIOError:
            pass
        fcntl.ioctl(slave, 0x540B, 2)  # TCFLSH
    breach(f"the kernel worked for 3 s, for {time.process_time():.1f} s of this program's")
except OSError as error:
    held(f"work of the kernel's: {error}")
done()
