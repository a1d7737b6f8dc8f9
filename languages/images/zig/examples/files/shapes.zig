pub fn squared(side: u32) u32 {
    return side * side;
}
