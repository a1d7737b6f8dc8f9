exports.squared = (side) -> side * side
