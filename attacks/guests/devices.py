import stat

HARMLESS = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console"}
for folder, _, names in os.walk("/dev"):
    for name in names:
        path = os.path.join(folder, name)
        mode = os.lstat(path).st_mode
        if stat.S_ISBLK(mode) or (stat.S_ISCHR(mode) and name not in HARMLESS and folder != "/dev/pts"):
            breach(f"device {path}")
for place in ("/box", "/tmp", "/dev/shm", "/dev"):
    for name, kind, major, minor in (("mem", stat.S_IFCHR, 1, 1), ("kmsg", stat.S_IFCHR, 1, 11), ("disk", stat.S_IFBLK, 254, 0), ("fuse", stat.S_IFCHR, 10, 229)):
        blocked(f"mknod {place}/{name}", os.mknod, f"{place}/{name}", kind | 0o666, os.makedev(major, minor))
for path in ("/dev/mem", "/dev/kmem", "/dev/kmsg", "/dev/port", "/dev/sda", "/dev/vda", "/dev/fuse", "/dev/kvm", "/dev/net/tun", "/dev/loop-control",
             "/dev/userfaultfd", "/dev/vhost-vsock", "/dev/uinput", "/dev/mapper/control", "/dev/tty", "/dev/console", "/dev/tty1", "/dev/snapshot"):
    blocked(path, os.open, path, os.O_RDWR | os.O_NOCTTY)
for fd in (0, 1, 2):
    blocked(f"TIOCSTI on {fd}", fcntl.ioctl, fd, 0x5412, b"x")
    blocked(f"TIOCLINUX on {fd}", fcntl.ioctl, fd, 0x541C, b"\3")
blocked("RNDADDENTROPY", lambda: fcntl.ioctl(os.open("/dev/random", os.O_WRONLY), 0x40085203, b"\0" * 16))
refused("iopl", 172, 3)
refused("ioperm", 173, 0, 1024, 1)
for name in os.listdir("/dev/mqueue") if os.path.isdir("/dev/mqueue") else ():
    breach(f"a message queue {name}")
done()
