use std::io;

fn main() {
    let mut line = String::new();
    println!("żółć, 中文 🚀");
    io::stdin().read_line(&mut line).unwrap();
    print!("{line}");
}
