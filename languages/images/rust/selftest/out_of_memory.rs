fn main() {
    let mut kept = Vec::new();
    loop {
        kept.push(vec![1u8; 1_000_000]);
        std::hint::black_box(&kept);
    }
}
