const std = @import("std");
const shapes = @import("shapes.zig");

pub fn main(init: std.process.Init) !void {
    var buffer: [64]u8 = undefined;
    var stdout = std.Io.File.stdout().writer(init.io, &buffer);
    try stdout.interface.print("4 squared is {d}\n", .{shapes.squared(4)});
    try stdout.interface.flush();
}
