for _ in range(8):
    try:
        os.fork()
    except OSError:
        break
while True:
    pass
