fn main() {
    println!("before");
    let largest = i32::MAX - (std::env::args().count() as i32 - 1);
    println!("{}", largest + 1);
}
