pub fn squared(side: i32) -> i32 {
    side * side
}
