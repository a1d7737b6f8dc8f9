module.exports = -> "two"
