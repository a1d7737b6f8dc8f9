use std::io::{read_to_string, stdin};

fn main() {
    let input = read_to_string(stdin()).unwrap();
    let numbers: Vec<i32> = input.split_whitespace().map(|word| word.parse().unwrap()).collect();
    println!("{} numbers, sum {}", numbers.len(), numbers.iter().sum::<i32>());
}
