# Files that every container shares would tell one what another reads.
inotify = libc.inotify_init1(0o4000)
watched = {}
for path in ("/etc/hosts", "/etc/resolv.conf", "/etc/hostname", "/.gexec/runner", "/.gexec", "/etc/passwd", "/usr/bin/env"):
    found = libc.inotify_add_watch(inotify, path.encode(), 0x00000FFF) if inotify >= 0 else -1
    if found >= 0:
        watched[found] = path
time.sleep(2.5)
try:
    events = os.read(inotify, 65536)
except OSError:
    events = b""
while events:
    number, mask, _, size = struct.unpack_from("iIII", events)
    events = events[16 + size :]
    if not mask & 0x8000:
        breach(f"{watched.get(number)}: event {mask:#x}")
print(len(watched), "watches", flush=True)
done()
