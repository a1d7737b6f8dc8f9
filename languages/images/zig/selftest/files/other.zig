pub inline fn text() []const u8 {
    return "from another file";
}
