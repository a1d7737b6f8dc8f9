const std = @import("std");

pub fn main(init: std.process.Init) !void {
    var buffer: [256]u8 = undefined;
    var stdout = std.Io.File.stdout().writer(init.io, &buffer);
    const args = try init.minimal.args.toSlice(init.arena.allocator());
    for (args[1..]) |name| try stdout.interface.print("Hello, {s}!\n", .{name});
    try stdout.interface.flush();
}
