{ text } = require "./other"

console.log text()
