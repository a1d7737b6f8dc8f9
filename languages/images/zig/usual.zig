const std = @import("std");

pub fn main(init: std.process.Init) !void {
    var buffer: [64]u8 = undefined;
    var stdout = std.Io.File.stdout().writer(init.io, &buffer);
    try stdout.interface.print("{d}\n", .{(try init.minimal.args.toSlice(init.arena.allocator())).len});
    try stdout.interface.flush();
}

test "a sum" {
    try std.testing.expectEqual(2, 1 + 1);
}
