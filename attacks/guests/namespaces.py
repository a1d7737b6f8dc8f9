for name, flag in (
    ("mount", 0x20000), ("cgroup", 0x2000000), ("uts", 0x4000000), ("ipc", 0x8000000), ("user", 0x10000000),
    ("pid", 0x20000000), ("net", 0x40000000), ("time", 0x80), ("user and mount", 0x10020000), ("user and net", 0x50000000),
):
    refused(f"unshare {name}", 272, flag)
    if flag != 0x80:
        refused(f"clone {name}", 56, flag | signal.SIGCHLD, 0, 0, 0, 0)
# clone3 takes its flags from memory, where a filter cannot look.
refused("clone3 user", 435, struct.pack("Q" * 8, 0x10000000, 0, 0, 0, signal.SIGCHLD, 0, 0, 0), 64)
refused("clone3 plain", 435, struct.pack("Q" * 8, 0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0), 64)
for name in os.listdir("/proc/self/ns"):
    blocked(f"/proc/1/ns/{name}", os.open, f"/proc/1/ns/{name}", os.O_RDONLY)
    try:
        fd = os.open(f"/proc/self/ns/{name}", os.O_RDONLY)
    except OSError:
        continue
    refused(f"setns own {name}", 308, fd, 0)
    # NS_GET_PARENT climbs towards the host's.
    blocked(f"parent of {name}", fcntl.ioctl, fd, 0xB702)
    os.close(fd)
refused("setns by pidfd", 308, 1, 0x20000)
blocked("uid_map", write, "/proc/self/uid_map", b"0 0 1")
blocked("setgroups", write, "/proc/self/setgroups", b"allow")
refused("sethostname", 170, b"owned", 5)
refused("setdomainname", 171, b"owned", 5)
done()
