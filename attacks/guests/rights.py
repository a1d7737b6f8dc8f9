# What a program holds: no capability, no group, no way to more.
status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
    # gVisor has no ambient capabilities, and tells of no_new_privs by prctl alone, which is asked below.
    (held if int(status.get(name, "0"), 16) == 0 else breach)(f"{name} {status.get(name)}")
for name, wanted in (("NoNewPrivs", "1"), ("Seccomp", "2"), ("TracerPid", "0")):
    (held if status.get(name, wanted) == wanted else breach)(f"{name} {status.get(name)}")
if 0 in os.getresuid() + os.getresgid() or os.getgroups():
    breach(f"{os.getresuid()} {os.getresgid()} {os.getgroups()}")
blocked("setuid 0", os.setuid, 0)
blocked("setresuid 0", os.setresuid, 0, 0, 0)
blocked("setgid 0", os.setgid, 0)
blocked("setgroups", os.setgroups, [0])
header, data = struct.pack("Ii", 0x20080522, 0), struct.pack("IIIIII", *[0xFFFFFFFF] * 6)
if syscall(126, header, data)[0] == 0:
    breach("capset gave every capability")
for capability in range(41):
    if libc.prctl(47, 2, capability, 0, 0) == 0:
        breach(f"ambient capability {capability}")
    if libc.prctl(24, capability, 0, 0, 0) == 0:
        breach(f"bounding capability {capability} dropped, which takes SETPCAP")
if libc.prctl(38, 0, 0, 0, 0) == 0 or libc.prctl(39, 0, 0, 0, 0) != 1:
    breach("no_new_privs was taken back")
if libc.prctl(28, 0x2F, 0, 0, 0) == 0:
    breach("securebits")
open_fds = sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[:-1]
if open_fds != [0, 1, 2]:
    breach(f"descriptors {open_fds}")
secrets = [name for name in os.environ if any(word in name for word in ("KEY", "SECRET", "TOKEN", "DATABASE", "GEXEC"))]
if secrets:
    breach(f"environment {secrets}")
done()
