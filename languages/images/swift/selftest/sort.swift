var x = 42
var numbers: [Int] = []
for _ in 0..<1_000_000 {
    x = (x * 1_103_515_245 + 12345) % (1 << 31)
    numbers.append(x)
}
numbers.sort()
print(numbers[0], numbers[500_000], numbers[999_999])
