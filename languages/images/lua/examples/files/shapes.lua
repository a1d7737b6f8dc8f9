local shapes = {}

function shapes.squared(side)
  return side * side
end

return shapes
