const std = @import("std");
const other = @import("other.zig");

pub fn main(init: std.process.Init) !void {
    try std.Io.File.stdout().writeStreamingAll(init.io, other.text() ++ "\n");
}
