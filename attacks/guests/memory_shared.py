kept = []
while True:
    area = mmap.mmap(-1, 8 << 20, mmap.MAP_SHARED)
    area.write(b"x" * (8 << 20))
    kept.append(area)
