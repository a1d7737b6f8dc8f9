# Processes that make files as fast as they can while the runner ends them and wipes.
container()
for place in ("/box", "/tmp", "/dev/shm"):
    for worker in range(4):
        if os.fork() == 0:
            os.setsid()
            number = 0
            while True:
                try:
                    os.makedirs(f"{place}/{TOKEN}-{worker}-{number}/a/b")
                    os.rename(f"{place}/{TOKEN}-{worker}-{number}", f"{place}/{TOKEN}-moved-{worker}-{number}")
                except OSError:
                    pass
                number += 1
time.sleep(0.3)
done()
