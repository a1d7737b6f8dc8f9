for number in (signal.SIGTERM, signal.SIGSTOP, signal.SIGCONT, signal.SIGHUP):
    for target in (1, -1, 0):
        if number == signal.SIGSTOP and target != 1:
            continue
        try:
            signal.signal(number, signal.SIG_IGN)
        except OSError:
            pass
        try:
            os.kill(target, number)
        except OSError:
            pass
print("still here", flush=True)
os.kill(-1, signal.SIGKILL)
done()
os.kill(os.getpid(), signal.SIGKILL)
