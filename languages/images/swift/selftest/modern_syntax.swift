enum Part: String, CaseIterable { case mod, ern }

struct Word: Sendable { let text: String }

func joined(_ parts: some Sequence<Part>) -> Word { Word(text: parts.map(\.rawValue).joined()) }

actor Counter { private var count = 0; func next() -> Int { count += 1; return count } }

let counter = Counter()
let first = await counter.next()
let word = joined(Part.allCases)
let text = if first == 1 { word.text } else { "no" }
if let range = text.firstRange(of: #/m\w+n/#) { print(text[range]) }
