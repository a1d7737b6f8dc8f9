print(min(9, int(input()) + 1))
