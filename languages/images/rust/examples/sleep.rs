use std::{thread, time::Duration};

fn main() {
    for number in 1..=5 {
        println!("{number}");
        thread::sleep(Duration::from_millis(400));
    }
}
