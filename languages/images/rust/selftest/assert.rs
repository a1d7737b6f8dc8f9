fn main() {
    println!("before");
    debug_assert!(std::env::args().count() == 3);
}
