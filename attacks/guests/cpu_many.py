for _ in range(6):
    try:
        os.fork()
    except OSError:
        break
while True:
    pass
