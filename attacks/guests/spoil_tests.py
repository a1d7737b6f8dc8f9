# What one test could change for those that come after it: sources, results, the work directory itself.
container()
for name in ("main.py", "compiled", "given/input"):
    os.unlink(f"/box/{name}")
    os.symlink("/etc/passwd", f"/box/{name}")
os.unlink("/box/given/input")
os.rmdir("/box/given")
os.mkdir("/tmp/given")
os.symlink("/tmp/given", "/box/given")
os.unlink("/box/input.txt")
os.mkdir("/box/input.txt")
open("/box/input.txt/not a file", "w").write("x")
open("/box/sitecustomize.py", "w").write("print('BREACH code of the test before')")
os.makedirs("/box/closed/in/it")
os.chmod("/box/closed/in", 0)
os.chmod("/box/closed", 0)
os.chmod("/box", 0)
blocked("remove the work directory", os.rmdir, "/box")
blocked("replace the work directory", os.rename, "/box", "/tmp/box")
if os.fork() == 0:
    os.setsid()
    while True:
        os.chmod("/box", 0o700)
        for name in ("compiled", "main.py"):
            try:
                open(f"/box/{name}", "w").write("print('BREACH changed by the test before')")
            except OSError:
                pass
time.sleep(0.2)
done()
