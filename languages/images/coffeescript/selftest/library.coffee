{ Worker } = require "node:worker_threads"

counts = {}
counts[letter] = (counts[letter] ? 0) + 1 for letter in "aab"
console.log "collections: a=#{counts.a} b=#{counts.b}"
console.log "regex:", /(\d{4})-(\d{2})/.exec("on 2024-03-01")[1..]...
console.log "json:", JSON.stringify JSON.parse('{"list": [1, 2, 3]}').list
console.log "bigint:", String BigInt(2) ** BigInt(100)
console.log "sort:", ["pear", "fig", "apple"].sort()...
console.log "date:", new Date(Date.UTC 2024, 1, 28 + 2).toISOString()[...10]
source = "require('node:worker_threads').parentPort.postMessage([1, 2, 3, 4].reduce((a, b) => a + b))"
new Worker(source, eval: true).on "message", (total) -> console.log "threads:", total
