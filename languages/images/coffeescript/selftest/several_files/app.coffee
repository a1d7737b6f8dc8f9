two = require "./two"
three = require "./lib/three"

console.log text for text in ["one", two(), three()]
