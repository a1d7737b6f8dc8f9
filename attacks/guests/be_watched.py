for _ in range(20):
    for name in ("localhost", "a.invalid"):
        try:
            socket.getaddrinfo(name, 80)
        except OSError:
            pass
    for path in ("/etc/hosts", "/etc/passwd", "/.gexec/runner", "/.gexec"):
        try:
            os.listdir(path) if os.path.isdir(path) else read(path)
        except OSError:
            pass
    time.sleep(0.02)
done()
