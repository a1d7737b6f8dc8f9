total = 0
block = b"x" * (1 << 20)
for place in ("/box", "/tmp", "/dev/shm"):
    try:
        for number in range(1000):
            with open(f"{place}/{number}", "wb") as file:
                for _ in range(16):
                    total += file.write(block)
    except OSError as error:
        held(f"{place}: {error}")
breach(f"{total >> 20} MB of files")
