const std = @import("std");

pub fn main(init: std.process.Init) !void {
    try std.Io.File.stdout().writeStreamingAll(init.io, "before\n");
    std.debug.assert((try init.minimal.args.toSlice(init.arena.allocator())).len == 2);
}
