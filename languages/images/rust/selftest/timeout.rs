fn main() {
    println!("started");
    loop {
        std::hint::spin_loop();
    }
}
