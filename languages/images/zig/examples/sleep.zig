const std = @import("std");

pub fn main(init: std.process.Init) !void {
    var stdout = std.Io.File.stdout().writer(init.io, &.{});
    for (1..6) |number| {
        try stdout.interface.print("{d}\n", .{number});
        try init.io.sleep(.fromMilliseconds(400), .awake);
    }
}
