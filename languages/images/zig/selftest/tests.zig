const std = @import("std");

fn squared(side: u32) u32 {
    return side * side;
}

test "a square" {
    try std.testing.expectEqual(16, squared(4));
}

test "what is not so" {
    try std.testing.expect(squared(2) == 5);
}
