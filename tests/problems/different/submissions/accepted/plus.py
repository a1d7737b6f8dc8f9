print((int(input()) + 5) % 10)
