blocked("nice -1", os.nice, -1)
for name, policy in (("FIFO", 1), ("RR", 2)):
    blocked(f"SCHED_{name}", os.sched_setscheduler, 0, policy, os.sched_param(1))
if X86 and syscall(314, 0, struct.pack("IIQiIQQQ", 48, 6, 0, 0, 0, 10**7, 2 * 10**7, 3 * 10**7), 0)[0] >= 0:
    breach("SCHED_DEADLINE")
if X86 and syscall(251, 1, 0, 1 << 13)[0] >= 0:
    breach("real-time disk priority")
for name in ("NOFILE", "NPROC", "MEMLOCK", "CORE", "SIGPENDING", "MSGQUEUE", "RTPRIO", "NICE", "FSIZE"):
    limit = getattr(resource, f"RLIMIT_{name}", None)
    if limit is None:
        continue
    hard = resource.getrlimit(limit)[1]
    if hard != resource.RLIM_INFINITY:
        try:
            resource.setrlimit(limit, (hard, hard + 1))
            breach(f"{name} raised above {hard}")
        except (OSError, ValueError):
            held(f"{name} stays at {hard}")
if X86:
    if syscall(149, ctypes.addressof(ctypes.create_string_buffer(1 << 20)), 1 << 20)[0] == 0:
        breach("mlock of 1 MB")
    if syscall(151, 3)[0] == 0:
        breach("mlockall")
blocked("huge pages", mmap.mmap, -1, 1 << 21, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000)
done()
