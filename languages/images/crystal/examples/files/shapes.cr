def squared(side : Number)
  side * side
end
