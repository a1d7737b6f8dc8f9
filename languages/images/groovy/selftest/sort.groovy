long x = 42
def numbers = new ArrayList<Integer>()
for (int i = 0; i < 1_000_000; i++) {
    x = (x * 1103515245L + 12345L) % (1L << 31)
    numbers.add((int) x)
}
numbers.sort()
println "${numbers[0]} ${numbers[500_000]} ${numbers[999_999]}"
