# Arguments and environments of the largest size, again and again.
for _ in range(3):
    if os.fork() == 0:
        try:
            os.execve("/bin/true", ["x" * 131000] * 15, {f"N{n}": "v" * 100000 for n in range(15)})
        except OSError as error:
            held(f"execve: {error.strerror}")
        os._exit(0)
    os.wait()
done()
