import Foundation

print(String(repeating: "y", count: 500000), terminator: "")
exit(0)
