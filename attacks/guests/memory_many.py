def hoard():
    kept = []
    while True:
        kept.append(bytearray(b"x" * (1 << 20)))


children = []
for _ in range(30):
    pid = os.fork()
    if pid == 0:
        hoard()
    children.append(pid)
for pid in children:
    _, status = os.waitpid(pid, 0)
    if not os.WIFSIGNALED(status):
        breach(f"a hoarder ended with {status}")
done()
