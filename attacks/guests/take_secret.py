container()
for place in ("/box", "/tmp", "/dev/shm"):
    for folder, folders, names in os.walk(place):
        for name in folders + names:
            if TOKEN in name:
                breach(f"{folder}/{name}")
done()
