# The interpreter that waits outside of the cells, of which this program is a fork: what it could hand on, or be told.
import hashlib

word = hashlib.sha256(hashlib.sha256(b"gexec-attack-@TOKEN@").digest()).digest()
container()
# Nothing leads to it: no number, no descriptor, no parent, no memory that both can write.
if os.getppid() != 1 or os.getsid(0) != os.getpid():
    breach(f"a parent or session of another's: {os.getppid()}, {os.getsid(0)}")
for fd in range(3, 64):
    if os.path.exists(f"/proc/self/fd/{fd}"):
        breach(f"descriptor {fd}: {os.readlink(f'/proc/self/fd/{fd}')}")
for line in open("/proc/self/maps"):
    rights = line.split()[1]
    if "w" in rights and rights.endswith("s"):
        breach(f"shared memory: {line}")
if [name for name in os.listdir("/proc") if name.isdigit() and int(name) not in (1, os.getpid())]:
    breach(f"processes {others()}")
for kind in ("exe", "cwd", "root"):
    if os.readlink(f"/proc/self/{kind}").startswith("(unreachable)"):
        breach(f"{kind} of another's mounts")
blocked("what lies behind the interpreter's file", os.listdir, "/proc/self/exe/..")
# Of its rights and limits none is left.
for line in open("/proc/self/status"):
    name, _, value = line.partition(":")
    if name in ("CapInh", "CapPrm", "CapEff", "CapAmb") and int(value, 16):
        breach(f"rights: {line}")
    if name in ("SigPnd", "ShdPnd", "SigBlk") and int(value, 16):
        breach(f"signals: {line}")
    if name == "CapBnd" and int(value, 16) >> 21 & 1:
        breach("SYS_ADMIN could be had")
    if name in ("NoNewPrivs", "Seccomp") and int(value) == 0:
        breach(line)
for name, number in (("setns", 308), ("mount", 165), ("umount2", 166), ("seccomp", 317), ("unshare", 272)):
    refused(name, number, 0x20000 if name == "unshare" else 0, 0, 0, 0, 0)
refused("clone", 56, 0x20000 | 17, 0, 0, 0, 0)
if open("/proc/self/oom_score_adj").read().strip() != "1000":
    breach("not the first to end when memory runs out")
# What one run has in its memory is in no other's.
if "@KIND@" == "leave":
    left = [word * 4 for _ in range(1000)]
    os.environ["LEFT"] = "x" * 1000
    libc.prctl(15, b"left")
    room = mmap.mmap(-1, 8 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for offset in range(0, len(room), 4096):
        room[offset : offset + 64] = word * 2
else:
    if "LEFT" in os.environ:
        breach("the environment of another run")
    memory = os.open("/proc/self/mem", os.O_RDONLY)
    for line in open("/proc/self/maps"):
        span, rights, *_ = line.split()
        start, end = (int(number, 16) for number in span.split("-"))
        for at in range(start, end, 1 << 20):
            try:
                piece = os.pread(memory, min(1 << 20, end - at), at)
            except (OSError, OverflowError):
                continue
            found = piece.find(word)
            while found >= 0:
                # Twice in a row is nowhere in what this one does.
                if piece[found + 32 : found + 48] == word[:16]:
                    breach(f"what another run has left in {line}")
                found = piece.find(word, found + 1)
done()
