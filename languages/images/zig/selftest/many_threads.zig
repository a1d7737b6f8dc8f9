const std = @import("std");

var started: std.atomic.Value(u32) = .init(0);

fn wait() void {
    _ = started.fetchAdd(1, .monotonic);
    while (started.load(.monotonic) < 200) std.Thread.yield() catch {};
}

pub fn main(init: std.process.Init) !void {
    var threads: [200]std.Thread = undefined;
    for (&threads) |*thread| thread.* = try .spawn(.{}, wait, .{});
    for (threads) |thread| thread.join();
    var buffer: [16]u8 = undefined;
    try std.Io.File.stdout().writeStreamingAll(init.io, try std.fmt.bufPrint(&buffer, "{d}\n", .{started.raw}));
}
