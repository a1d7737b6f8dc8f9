pub fn two() []const u8 {
    return "two";
}
