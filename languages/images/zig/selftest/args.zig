const std = @import("std");

pub fn main(init: std.process.Init) !void {
    var buffer: [256]u8 = undefined;
    var stdout = std.Io.File.stdout().writer(init.io, &buffer);
    for ((try init.minimal.args.toSlice(init.arena.allocator()))[1..]) |argument| try stdout.interface.print("{s}\n", .{argument});
    try stdout.interface.flush();
}
