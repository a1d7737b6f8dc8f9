# What the runner says to the server, said by the program on every descriptor it can find: it must arrive as text.
READY = b"R\0\0\0\6\0\1\0\0\0\7"
RESULT = b"X\0\0\0\x20" + b"\0" * 32
FAULT = b"!\0\0\0\6forged"
for fd in range(64):
    try:
        os.write(fd, READY + RESULT + FAULT)
    except OSError:
        pass
for fd in range(3):
    for flags in (os.O_WRONLY, os.O_RDWR):
        try:
            again = os.open(f"/proc/self/fd/{fd}", flags | os.O_NONBLOCK)
            os.write(again, READY)
            os.close(again)
        except OSError:
            pass
for name in os.listdir("/proc"):
    if name.isdigit() and int(name) != os.getpid():
        try:
            for fd in os.listdir(f"/proc/{name}/fd"):
                breach(f"/proc/{name}/fd/{fd}")
        except OSError:
            pass
print("\nprinted after the forgery")
done()
