began = time.monotonic()
while True:
    os.write(1, f"\r{(time.monotonic() - began) * 1000:.0f}".encode())
    time.sleep(0.01)
