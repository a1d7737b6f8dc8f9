println(new int[20_000_000].length)
