made = 0
for place in ("/box", "/tmp", "/dev/shm"):
    try:
        for number in range(1_000_000):
            os.close(os.open(f"{place}/{number}", os.O_CREAT | os.O_WRONLY))
            made += 1
    except OSError as error:
        held(f"{place}: {error.strerror}")
print(made, "files", flush=True)
if made > 200_000:
    breach("more files than there is room for")
done()
