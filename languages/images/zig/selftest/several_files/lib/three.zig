pub fn three() []const u8 {
    return @import("../words.zig").three;
}
