const std = @import("std");

pub fn main(init: std.process.Init) !void {
    try std.Io.File.stdout().writeStreamingAll(init.io, "before\n");
    var number: i32 = std.math.maxInt(i32);
    number += @intCast((try init.minimal.args.toSlice(init.arena.allocator())).len);
    std.debug.print("{d}\n", .{number});
}
