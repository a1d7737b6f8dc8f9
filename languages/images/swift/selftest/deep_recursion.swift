@inline(never) func depth(_ left: Int) -> Int {
    return left == 0 ? 0 : 1 + depth(left - 1)
}

print(depth(200000))
