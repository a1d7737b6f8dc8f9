print("before the stop", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
