# What is expected of this program, and what an earlier test was given, must be nowhere that it can read.
WANTED = [bytes(byte ^ 1 for byte in word.encode()) for word in "@KIND@".split()]


def look_at(path):
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return
    try:
        content = os.read(descriptor, 1 << 20)
    except OSError:
        content = b""
    os.close(descriptor)
    if any(word in content for word in WANTED):
        breach(path)


for place in ("/box", "/tmp", "/dev/shm", "/etc", "/run", "/var", "/.gexec"):
    for folder, _, names in os.walk(place):
        for name in names:
            look_at(os.path.join(folder, name))
for pid in [name for name in os.listdir("/proc") if name.isdigit()]:
    for name in ("cmdline", "environ", "maps", "mountinfo", "status"):
        look_at(f"/proc/{pid}/{name}")
    for number in range(64):
        look_at(f"/proc/{pid}/fd/{number}")
if any(word in repr((sys.argv, os.environ)).encode() for word in WANTED):
    breach("arguments or environment")
for number in range(3, 256):
    try:
        if any(word in os.read(number, 1 << 16) for word in WANTED):
            breach(f"descriptor {number}")
    except OSError:
        pass
print("DONE")
