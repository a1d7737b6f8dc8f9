use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;

fn main() {
    let mut counts: BTreeMap<char, i32> = BTreeMap::new();
    for letter in "aab".chars() {
        *counts.entry(letter).or_default() += 1;
    }
    println!("collections: a={} b={}", counts[&'a'], counts[&'b']);

    let mut fruit = vec!["pear", "fig", "apple"];
    fruit.sort();
    println!("sort: {}", fruit.join(" "));

    let total = Arc::new(Mutex::new(0));
    let threads: Vec<_> = (1..=4)
        .map(|number| {
            let total = Arc::clone(&total);
            thread::spawn(move || *total.lock().unwrap() += number)
        })
        .collect();
    for one in threads {
        one.join().unwrap();
    }
    println!("threads: {}", total.lock().unwrap());
}
