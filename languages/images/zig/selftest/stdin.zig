const std = @import("std");

pub fn main(init: std.process.Init) !void {
    var read: [4096]u8 = undefined;
    var written: [4096]u8 = undefined;
    var stdin = std.Io.File.stdin().reader(init.io, &read);
    var stdout = std.Io.File.stdout().writer(init.io, &written);
    _ = try stdin.interface.streamRemaining(&stdout.interface);
    try stdout.interface.flush();
}
