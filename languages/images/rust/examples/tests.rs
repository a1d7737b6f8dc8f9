fn main() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let number: i32 = line.trim().parse().unwrap();
    match (number % 3, number % 5) {
        (0, 0) => println!("FizzBuzz"),
        (0, _) => println!("Fizz"),
        (_, 0) => println!("Buzz"),
        _ => println!("{number}"),
    }
}
