# Deep, odd and looping names in every place that can be written.
for place in ("/box", "/tmp", "/dev/shm"):
    os.chdir(place)
    for _ in range(1000):
        os.mkdir("deep")
        os.chdir("deep")
    os.chdir(place)
    for byte in range(1, 256):
        if byte != ord("/"):
            name = bytes([byte]) * (1 if byte != ord(".") else 3)
            os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
    for name, target in (("loop", "loop"), ("up", ".."), ("root", "/"), ("one", "two"), ("two", "one")):
        os.symlink(target, "link-" + name)
    os.mkfifo("fifo")
    os.link("A", "hard")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    os.mkdir("locked")
    os.mkdir("locked/in")
    os.chmod("locked", 0)
    os.chdir("/")
os.chmod("/box", 0)
done()
