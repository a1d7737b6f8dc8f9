# Processes that a plain wait and a plain kill may miss.
SIBLING = 0x8000  # CLONE_PARENT: the runner's own child
print("the parent ends", flush=True)


def stay():
    os.setsid()
    while True:
        time.sleep(1)


if X86:
    for ends_with in (int(signal.SIGCHLD), 0, int(signal.SIGUSR1)):
        if syscall(56, SIBLING | ends_with, 0, 0, 0, 0)[0] == 0:
            stay()
if os.fork() == 0:
    libc.prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
    for _ in range(3):
        if os.fork() == 0:
            if os.fork() == 0:
                stay()
            os._exit(0)
    stay()
# One that is traced, and would stop once more on its way out.
traced = os.fork()
if traced == 0:
    stay()
tracer = os.fork()
if tracer == 0:
    syscall(101, 0x4206, traced, 0, 0x40 | 0x100000)  # PTRACE_SEIZE with TRACEEXIT
    os.setsid()
    os.kill(os.getpid(), signal.SIGSTOP)
# One that waits for a stopped child that it shares its memory with.
if os.fork() == 0 and X86:
    if syscall(56, 0x4000 | 0x100, 0, 0, 0, 0)[0] == 0:  # CLONE_VFORK and CLONE_VM
        os.kill(os.getpid(), signal.SIGSTOP)
time.sleep(0.2)
done()
os._exit(0)
