{ readFileSync } = require "node:fs"

number = Number readFileSync 0, "utf8"
words = (if number % 3 is 0 then "Fizz" else "") + (if number % 5 is 0 then "Buzz" else "")
console.log words or number
