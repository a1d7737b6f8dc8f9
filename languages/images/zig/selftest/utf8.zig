const std = @import("std");

pub fn main(init: std.process.Init) !void {
    var buffer: [256]u8 = undefined;
    var stdin = std.Io.File.stdin().reader(init.io, &buffer);
    const line = try stdin.interface.takeDelimiterInclusive('\n');
    const stdout = std.Io.File.stdout();
    try stdout.writeStreamingAll(init.io, "żółć, 中文 🚀\n");
    try stdout.writeStreamingAll(init.io, line);
}
