sys.setrecursionlimit(1 << 30)


def deeper(value):
    return [deeper(value)] + sorted([1], key=lambda _: deeper(value))


deeper(0)
