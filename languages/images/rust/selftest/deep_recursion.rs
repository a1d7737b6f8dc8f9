fn depth(left: u32) -> u32 {
    if left == 0 { 0 } else { 1 + depth(std::hint::black_box(left - 1)) }
}

fn main() {
    println!("{}", depth(200000));
}
