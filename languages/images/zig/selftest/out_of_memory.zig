const std = @import("std");

pub fn main(init: std.process.Init) !void {
    while (true) @memset(try init.gpa.alloc(u8, 1 << 20), 1);
}
