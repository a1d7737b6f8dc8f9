for _ in range(5):
    os.fork()
while True:
    os.write(1 + os.getpid() % 2, b"many\n" * 10000)
