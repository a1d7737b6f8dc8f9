signal.pthread_sigmask(signal.SIG_BLOCK, range(34, 65))
sent = 0
while sent < 100_000 and syscall(129, os.getpid(), 35, struct.pack("iii", 35, 0, -1) + struct.pack("iiii", 0, os.getpid(), os.getuid(), 0) + b"\0" * 100)[0] == 0:
    sent += 1
(breach if sent >= 20_000 else held)(f"{sent} signals are queued")
made = 0
while made < 100_000 and syscall(222, 1, None, ctypes.create_string_buffer(8))[0] == 0:
    made += 1
(breach if made >= 20_000 else held)(f"{made} timers")
done()
