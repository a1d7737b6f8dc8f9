two(two).
