"""The first argument says what goes wrong in the third test."""

import sys

n, total = map(int, input().split())
numbers = list(map(int, input().split()))
how = sys.argv[1] if n == 4 else "right"
if how == "slow":
    while True:
        pass
if how == "crashes":
    print(1 // 0)
found = [(i + 1, j + 1) for i in range(n) for j in range(n) if i != j and numbers[i] + numbers[j] == total]
answer = found[0] if found else (-1,)
print(*{"wrong": (1, 2), "format": ("one", "three"), "gives up": (-1,), "more": (*answer, 7)}.get(how, answer))
