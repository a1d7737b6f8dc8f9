const std = @import("std");

fn depth(left: u32) u32 {
    return if (left == 0) 0 else 1 + depth(left - 1);
}

pub fn main(init: std.process.Init) !void {
    var buffer: [16]u8 = undefined;
    try std.Io.File.stdout().writeStreamingAll(init.io, try std.fmt.bufPrint(&buffer, "{d}\n", .{depth(200_000)}));
}
