# Forks twice, leaves the session, closes everything and goes on; the parent ends well.
print("the parent ends", flush=True)
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in range(1, 32):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    for fd in range(256):
        try:
            os.close(fd)
        except OSError:
            pass
    while True:
        time.sleep(1)
time.sleep(0.1)
done()
os._exit(0)
