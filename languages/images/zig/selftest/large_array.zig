const std = @import("std");

pub fn main(init: std.process.Init) !void {
    const numbers = try init.gpa.alloc(i32, 20_000_000);
    defer init.gpa.free(numbers);
    @memset(numbers, 1);
    std.mem.doNotOptimizeAway(numbers);
    var buffer: [16]u8 = undefined;
    try std.Io.File.stdout().writeStreamingAll(init.io, try std.fmt.bufPrint(&buffer, "{d}\n", .{numbers.len}));
}
