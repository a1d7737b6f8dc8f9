fn main() {
    let names = vec!["Ada", "Alan"];
    for name in names {
        println!("Hello, {name}!");
    }
    println!("{} people", names.len());
}
