const std = @import("std");

pub fn main(init: std.process.Init) !void {
    var read: [64]u8 = undefined;
    var stdin = std.Io.File.stdin().reader(init.io, &read);
    const line = try stdin.interface.takeDelimiter('\n') orelse "";
    const number = try std.fmt.parseInt(u32, std.mem.trim(u8, line, " \r"), 10);

    var written: [64]u8 = undefined;
    var stdout = std.Io.File.stdout().writer(init.io, &written);
    if (number % 3 == 0) try stdout.interface.writeAll("Fizz");
    if (number % 5 == 0) try stdout.interface.writeAll("Buzz");
    if (number % 3 != 0 and number % 5 != 0) try stdout.interface.print("{d}", .{number});
    try stdout.interface.writeAll("\n");
    try stdout.interface.flush();
}
