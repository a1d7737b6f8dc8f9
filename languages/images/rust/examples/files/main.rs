mod shapes;

fn main() {
    println!("4 squared is {}", shapes::squared(4));
}
