mod other;

fn main() {
    println!("{}", other::text());
}
