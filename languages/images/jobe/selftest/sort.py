x, numbers = 42, []
for _ in range(1_000_000):
    x = (x * 1103515245 + 12345) % 2**31
    numbers.append(x)
numbers.sort()
print(numbers[0], numbers[500_000], numbers[-1])
