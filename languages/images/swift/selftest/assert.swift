print("before")
assert(CommandLine.arguments.count == 3)
