while True:
    fd = os.memfd_create(TOKEN)
    for _ in range(16):
        os.write(fd, b"x" * (1 << 20))
