const std = @import("std");

pub fn main() void {
    const name: []const u8 = "Ada";
    // There is no such function.
    std.debug.print("{s}\n", .{shout(name)});
}
