# The first thread ends, others go on: to a careless parent the process is a zombie that does not end.
print("the first thread ends", flush=True)
threading.Thread(target=lambda: time.sleep(60)).start()
if X86:
    syscall(60, 0)
time.sleep(60)
