def squared(side)
  side * side
end
