fn main() {
    println!("Hello from Rust with libraries!");
}
