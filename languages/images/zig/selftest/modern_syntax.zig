const std = @import("std");

const Part = union(enum) {
    first: []const u8,
    rest: struct { text: []const u8, at: u8 = 2 },

    fn text(part: Part) []const u8 {
        return switch (part) {
            .first => |text_of_first| text_of_first,
            inline .rest => |rest| rest.text,
        };
    }
};

fn joined(comptime T: type, gpa: std.mem.Allocator, parts: []const T) ![]u8 {
    var list: std.ArrayList(u8) = .empty;
    errdefer list.deinit(gpa);
    for (parts, 0..) |part, at| {
        if (at > 1) break;
        try list.appendSlice(gpa, part.text());
    }
    return list.toOwnedSlice(gpa);
}

pub fn main(init: std.process.Init) !void {
    const parts: []const Part = &.{ .{ .first = "mod" }, .{ .rest = .{ .text = "ern" } } };
    const word = try joined(Part, init.gpa, parts);
    defer init.gpa.free(word);
    const ends: enum { line, none } = comptime if (@sizeOf(u8) == 1) .line else .none;
    const right = state: switch (@as(u8, 1)) {
        1 => continue :state 2,
        2 => break :state true,
        else => false,
    };
    if (!right) return error.Wrong;
    var buffer: [32]u8 = undefined;
    var stdout = std.Io.File.stdout().writer(init.io, &buffer);
    try stdout.interface.print("{s}{s}", .{ word, if (ends == .line) "\n" else "" });
    try stdout.interface.flush();
}
