use itertools::Itertools;
use num::{BigInt, Integer};
use rand::{rngs::StdRng, seq::SliceRandom, Rng, SeedableRng};
use regex::Regex;
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Person {
    name: String,
    #[serde(default)]
    age: u8,
}

fn main() {
    let mut dice = StdRng::seed_from_u64(42);
    let mut numbers: Vec<u32> = (1..=5).collect();
    numbers.shuffle(&mut dice);
    let thrown: u32 = dice.random_range(1..=6);
    println!("rand: {} {}", (1..=6).contains(&thrown), numbers.iter().sum::<u32>());
    let found = Regex::new(r"(?<year>\d{4})-(\d{2})").unwrap();
    println!("regex: {}", &found.captures("on 2024-03-01").unwrap()["year"]);
    let person: Person = serde_json::from_str(r#"{"name": "Ada"}"#).unwrap();
    println!("serde: {}", serde_json::to_string(&person).unwrap());
    println!("json: {}", serde_json::json!({"list": [1, 2, 3]}));
    println!("itertools: {}", ["a", "b", "c"].iter().combinations(2).map(|pair| pair.iter().join("")).join(" "));
    println!("num: {} {}", num::pow(BigInt::from(2), 100), 12.gcd(&18));
}
