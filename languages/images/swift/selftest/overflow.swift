print("before")
let largest = Int32.max - Int32(CommandLine.arguments.count - 1)
print(largest + 1)
