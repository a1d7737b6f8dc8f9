def last_words(number, frame):
    os.write(1, b"last words")
    for _ in range(6):
        try:
            os.fork()
        except OSError:
            pass
    while True:
        pass


for number in range(2, 65):
    if number != signal.SIGRTMAX - 1:
        try:
            signal.signal(number, last_words)
        except (OSError, ValueError):
            pass
while True:
    time.sleep(1)
