import Foundation

let counts = "aab".reduce(into: [:]) { counts, letter in counts[letter, default: 0] += 1 }
print("collections: a=\(counts["a"]!) b=\(counts["b"]!)")
let part = "on 2024-03-01".firstMatch(of: #/(\d{4})-(\d{2})/#)!
print("regex: \(part.1) \(part.2)")
let decoded = try JSONDecoder().decode([String: [Int]].self, from: Data(#"{"list": [1, 2, 3]}"#.utf8))
print("json: \(String(decoding: try JSONEncoder().encode(decoded["list"]!), as: UTF8.self))")
print("sort: \(["pear", "fig", "apple"].sorted().joined(separator: " "))")
var calendar = Calendar(identifier: .gregorian)
calendar.timeZone = TimeZone(identifier: "UTC")!
let day = calendar.date(from: DateComponents(year: 2024, month: 2, day: 28))!
let later = calendar.dateComponents([.year, .month, .day], from: calendar.date(byAdding: .day, value: 2, to: day)!)
print(String(format: "date: %d-%02d-%02d", later.year!, later.month!, later.day!))
let total = await withTaskGroup(of: Int.self) { group in
    for number in 1...4 {
        group.addTask { number }
    }
    var sum = 0
    for await number in group {
        sum += number
    }
    return sum
}
print("threads: \(total)")
