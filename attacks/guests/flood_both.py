line = b"x" * 99 + b"\n"
while True:
    os.write(1, line * 600)
    os.write(2, line * 600)
