# What costs the kernel work for a terminal, as much of it as there can be in two seconds.
import array
import signal
import termios
KIND = "@KIND@"
for fd in (0, 1, 2):
    if not os.isatty(fd):
        breach(f"{fd} is no terminal")
for path in ("/dev/ptmx", "/dev/pts/ptmx", "/dev/console", "/dev/tty0", "/dev/vcs"):
    blocked(path, os.open, path, os.O_RDWR | os.O_NOCTTY)
blocked("a pair of terminals", os.openpty)
blocked("another's mode", os.chmod, "/dev/pts/ptmx", 0o666)


def single_bytes(end):
    while time.monotonic() < end:
        os.write(1, b"x")


def flushes(end):
    while time.monotonic() < end:
        os.write(1, b"x" * 512)
        fcntl.ioctl(1, 0x540B, 1)
        termios.tcflush(1, termios.TCIOFLUSH)


def modes(end):
    raw = termios.tcgetattr(0)
    cooked = termios.tcgetattr(0)
    raw[3] &= ~(termios.ICANON | termios.ECHO)
    while time.monotonic() < end:
        termios.tcsetattr(0, termios.TCSAFLUSH, raw)
        termios.tcsetattr(0, termios.TCSANOW, cooked)


def sizes(end):
    signal.signal(signal.SIGWINCH, lambda *_: None)
    columns = 0
    while time.monotonic() < end:
        columns = (columns + 1) % 60000
        fcntl.ioctl(0, termios.TIOCSWINSZ, array.array("H", [columns, 7, 0, 0]))


def tabs(end):
    while time.monotonic() < end:
        os.write(1, b"\t\n\r\x08" * 1024)


def opens(end):
    while time.monotonic() < end:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))


def foreground(end):
    while time.monotonic() < end:
        fcntl.ioctl(0, termios.TIOCSPGRP, array.array("i", [os.getpgrp()]))


def calls(end):
    pause = (end - time.monotonic()) / 4
    for number, call in enumerate((modes, sizes, opens, foreground), 1):
        call(end - (4 - number) * pause)


def ignored_signals(end):
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTOU, signal.SIGTTIN):
        signal.signal(number, signal.SIG_IGN)
    for _ in range(40):
        if os.fork() == 0:
            time.sleep(60)
    time.sleep(max(0, end - time.monotonic()))


def never_reads(end):
    time.sleep(max(0, end - time.monotonic()))


floods = {name.replace("_", " "): flood for name, flood in list(globals().items()) if callable(flood)}
print("READY", flush=True)
floods[KIND](time.monotonic() + 2)
# A ^C that is typed still would throw away what is printed now.
last = termios.tcgetattr(0)
last[3] |= termios.NOFLSH
termios.tcsetattr(0, termios.TCSANOW, last)
print(f"\n{time.process_time():.1f} s of its own")
done()
