{ readFileSync } = require "node:fs"

numbers = readFileSync(0, "utf8").split(/\s+/).filter(Boolean).map(Number)
sum = numbers.reduce ((total, number) -> total + number), 0
console.log "#{numbers.length} numbers, sum #{sum}"
