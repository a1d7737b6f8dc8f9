const first: u8 = 1;

const second: []const u8 = first;

pub fn main() void {
    _ = second;
}
