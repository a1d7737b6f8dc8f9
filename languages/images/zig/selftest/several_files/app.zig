const std = @import("std");
const three = @import("lib/three.zig").three;
const two = @import("two.zig").two;

pub fn main(init: std.process.Init) !void {
    var buffer: [64]u8 = undefined;
    var stdout = std.Io.File.stdout().writer(init.io, &buffer);
    try stdout.interface.print("one\n{s}\n{s}\n", .{ two(), three() });
    try stdout.interface.flush();
}
