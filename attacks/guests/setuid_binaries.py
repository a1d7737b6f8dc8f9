# Files with setuid, setgid or capabilities: those of the image, and those that a program makes.
import subprocess

for folder, _, names in os.walk("/usr"):
    for name in names:
        path = os.path.join(folder, name)
        if os.path.islink(path) or not os.lstat(path).st_mode & 0o6000:
            continue
        blocked(f"hard link to {path}", os.link, path, f"/tmp/{name}")
for place in ("/box", "/tmp", "/dev/shm"):
    path = f"{place}/own"
    open(path, "wb").write(open("/usr/bin/id", "rb").read())
    os.chmod(path, 0o6755)
    blocked(f"chown {path}", os.chown, path, 0, 0)
    blocked(f"file capability on {path}", os.setxattr, path, "security.capability", b"\1\0\0\2\xff\xff\xff\xff" + b"\0" * 12)
    try:
        said = subprocess.run([path, "-u"], capture_output=True).stdout
        (breach if said.strip() == b"0" else held)(f"{path} is user {said}")
    except OSError as error:
        held(f"{path}: {error.strerror}")
for command in (["su", "-c", "id"], ["mount", "tmpfs", "/tmp"], ["passwd", "-d", "root"], ["newgrp"], ["chsh", "-s", "/bin/sh"]):
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=3)
        (breach if ended.returncode == 0 else held)(" ".join(command))
    except (OSError, subprocess.TimeoutExpired) as error:
        held(f"{command[0]}: {type(error).__name__}")
environment = {"LD_PRELOAD": "/tmp/own.so", "LD_LIBRARY_PATH": "/tmp", "GLIBC_TUNABLES": "glibc.malloc.mxfast=" + "9" * 4000}
said = subprocess.run(["id", "-u"], env=environment | {"PATH": "/usr/bin"}, capture_output=True).stdout
(breach if said.strip() == b"0" else held)("LD_PRELOAD and GLIBC_TUNABLES")
done()
