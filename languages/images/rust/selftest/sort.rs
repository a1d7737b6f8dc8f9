fn main() {
    let mut x: u64 = 42;
    let mut numbers: Vec<u64> = Vec::with_capacity(1_000_000);
    for _ in 0..1_000_000 {
        x = (x * 1103515245 + 12345) % (1 << 31);
        numbers.push(x);
    }
    numbers.sort_unstable();
    println!("{} {} {}", numbers[0], numbers[500_000], numbers[999_999]);
}
