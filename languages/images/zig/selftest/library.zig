const std = @import("std");

fn add(total: *std.atomic.Value(u32), number: u32) void {
    _ = total.fetchAdd(number, .monotonic);
}

fn earlier(_: void, one: []const u8, other: []const u8) bool {
    return std.mem.lessThan(u8, one, other);
}

pub fn main(init: std.process.Init) !void {
    const gpa = init.arena.allocator();
    var buffer: [1024]u8 = undefined;
    var file = std.Io.File.stdout().writer(init.io, &buffer);
    const stdout = &file.interface;

    var counts: std.AutoHashMap(u8, u32) = .init(gpa);
    for ("aab") |letter| {
        const found = try counts.getOrPut(letter);
        found.value_ptr.* = if (found.found_existing) found.value_ptr.* + 1 else 1;
    }
    try stdout.print("collections: a={d} b={d}\n", .{ counts.get('a').?, counts.get('b').? });

    const parsed = try std.json.parseFromSlice(struct { list: []u8 }, gpa, "{\"list\": [1, 2, 3]}", .{});
    const numbers: []const u32 = &.{ parsed.value.list[0], parsed.value.list[1], parsed.value.list[2] };
    try stdout.print("json: {f}\n", .{std.json.fmt(numbers, .{})});

    var two: std.math.big.int.Managed = try .initSet(gpa, 2);
    var power: std.math.big.int.Managed = try .init(gpa);
    try power.pow(&two, 100);
    try stdout.print("bigint: {f}\n", .{power});

    var fruit = [_][]const u8{ "pear", "fig", "apple" };
    std.mem.sort([]const u8, &fruit, {}, earlier);
    try stdout.print("sort: {s} {s} {s}\n", .{ fruit[0], fruit[1], fruit[2] });

    const day = (std.time.epoch.EpochSeconds{ .secs = 1709078400 + 2 * 86400 }).getEpochDay().calculateYearDay();
    const month = day.calculateMonthDay();
    try stdout.print("date: {d}-{d:0>2}-{d:0>2}\n", .{ day.year, month.month.numeric(), month.day_index + 1 });

    var total: std.atomic.Value(u32) = .init(0);
    var threads: [4]std.Thread = undefined;
    for (&threads, 1..) |*thread, number| thread.* = try .spawn(.{}, add, .{ &total, @as(u32, @intCast(number)) });
    for (threads) |thread| thread.join();
    try stdout.print("threads: {d}\n", .{total.load(.monotonic)});
    try stdout.flush();
}
