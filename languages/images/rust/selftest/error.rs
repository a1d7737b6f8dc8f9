fn main() {
    let numbers = [1, 2];
    println!("{}", undeclared(numbers));
}
