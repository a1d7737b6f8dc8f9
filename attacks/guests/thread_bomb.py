threading.stack_size(65536)
started = 0
try:
    while True:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        started += 1
except RuntimeError:
    pass
if started > 128:
    breach(f"{started} threads")
done()
os._exit(0)
