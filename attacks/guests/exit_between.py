# The program is gone at once; a child goes on writing into the half-read pipe and starts others.
if os.fork():
    os.write(1, b"parent\n")
    os._exit(0)
os.setsid()
while True:
    os.write(1, b"late\n" * 1000)
    if os.fork() and os.getpid() % 7 == 0:
        os._exit(0)
