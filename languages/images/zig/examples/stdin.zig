const std = @import("std");

pub fn main(init: std.process.Init) !void {
    var read: [4096]u8 = undefined;
    var stdin = std.Io.File.stdin().reader(init.io, &read);
    const text = try stdin.interface.allocRemaining(init.arena.allocator(), .unlimited);
    var words = std.mem.tokenizeAny(u8, text, " \n");
    var count: u32 = 0;
    var sum: i64 = 0;
    while (words.next()) |word| {
        sum += try std.fmt.parseInt(i64, word, 10);
        count += 1;
    }
    var written: [64]u8 = undefined;
    var stdout = std.Io.File.stdout().writer(init.io, &written);
    try stdout.interface.print("{d} numbers, sum {d}\n", .{ count, sum });
    try stdout.interface.flush();
}
