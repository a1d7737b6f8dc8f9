def fill():
    total = 0
    try:
        while True:
            reader, writer = os.pipe()
            os.set_blocking(writer, False)
            try:
                fcntl.fcntl(writer, 1031, 1 << 20)
            except OSError:
                pass
            try:
                while True:
                    total += os.write(writer, b"x" * 65536)
            except BlockingIOError:
                pass
    except OSError:
        return total


reader, writer = os.pipe()
for _ in range(50):
    if os.fork() == 0:
        os.write(writer, f"{fill()}\n".encode())
        time.sleep(60)
total, counted = 0, b""
while counted.count(b"\n") < 50 and select.select([reader], [], [], 2)[0]:
    counted += os.read(reader, 65536)
total = sum(map(int, counted.split()))
print(f"{total >> 20} MB in pipes", flush=True)
if total > 256 << 20:
    breach(f"{total >> 20} MB in pipes")
done()
os._exit(0)
