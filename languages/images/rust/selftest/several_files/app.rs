mod parts;
mod two;

fn main() {
    #[cfg(counted)]
    println!("one");
    println!("{}", two::text());
    println!("{}", parts::three::text());
}
