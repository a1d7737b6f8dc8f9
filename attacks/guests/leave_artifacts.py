# What must not come out when files are asked for, and what nobody may wait for.
def links():
    for number, target in enumerate(
        ("/etc/passwd", "/etc/shadow", "/proc/1/environ", "/proc/1/root/etc/passwd", "/proc/1/fd/0", "/dev/zero", "/dev/stdin",
         "/proc/self/mem", "/sys/kernel", "loop", ".", "..", "/", "honest")
    ):  # fmt: skip
        os.symlink(target, f"/box/link{number}")
    os.symlink("loop", "/box/loop")
    os.mkfifo("/box/fifo")
    os.mkfifo("/box/null")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("/box/socket")
    blocked("make a device", os.mknod, "/box/zero", 0o20666, os.makedev(1, 5))
    blocked("link to another's file", os.link, "/etc/passwd", "/box/hard")
    os.mkdir("/box/swapped")
    if os.fork() == 0:
        os.setsid()
        while True:
            try:
                os.close(os.open("/box/turn", os.O_CREAT | os.O_WRONLY))
                os.rename("/box/turn", "/box/swap")
                os.symlink("/etc/passwd", "/box/turn")
                os.rename("/box/turn", "/box/swap")
                os.rename("/box/swapped", "/box/other")
                os.symlink("/etc", "/box/swapped")
                os.unlink("/box/swapped")
                os.rename("/box/other", "/box/swapped")
            except OSError:
                pass


def many():
    for folder in range(100):
        try:
            os.mkdir(f"/box/{folder}")
            for number in range(1000):
                os.close(os.open(f"/box/{folder}/{'n' * 200}{number}", os.O_CREAT | os.O_WRONLY))
        except OSError:
            break


def large():
    for number in range(100):
        os.truncate(os.open(f"/box/sparse{number}", os.O_CREAT | os.O_WRONLY), 4 << 30)
    os.truncate(os.open("/box/small", os.O_CREAT | os.O_WRONLY), 900_000)
    for number in range(1000):
        os.link("/box/small", f"/box/small{number}")


def deep():
    os.chdir("/box")
    for _ in range(1000):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
    os.close(os.open("bottom", os.O_CREAT | os.O_WRONLY))


def slow():
    for number in range(3000):
        os.close(os.open(f"/box/{'a' * 240}{number}", os.O_CREAT | os.O_WRONLY))


open("/box/honest", "w").write("honest")
{"links": links, "many": many, "large": large, "deep": deep, "slow": slow}["@KIND@"]()
done()
os._exit(0)
