const std = @import("std");
const builtin = @import("builtin");

pub fn main(init: std.process.Init) !void {
    const text = if (builtin.mode == .fast and builtin.single_threaded) "given\n" else "not given\n";
    try std.Io.File.stdout().writeStreamingAll(init.io, text);
}
