fn main() {
    print!("{}", "y".repeat(500000));
    std::process::exit(0);
}
