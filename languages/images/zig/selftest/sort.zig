const std = @import("std");

pub fn main(init: std.process.Init) !void {
    const numbers = try init.gpa.alloc(u32, 1_000_000);
    defer init.gpa.free(numbers);
    var x: u64 = 42;
    for (numbers) |*number| {
        x = (x * 1103515245 + 12345) % (1 << 31);
        number.* = @intCast(x);
    }
    std.mem.sort(u32, numbers, {}, std.sort.asc(u32));
    var buffer: [64]u8 = undefined;
    var stdout = std.Io.File.stdout().writer(init.io, &buffer);
    try stdout.interface.print("{d} {d} {d}\n", .{ numbers[0], numbers[500_000], numbers[999_999] });
    try stdout.interface.flush();
}
