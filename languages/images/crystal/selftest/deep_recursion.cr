def depth(left : Int32) : Int32
  left == 0 ? 0 : 1 + depth(left - 1)
end

puts depth(200_000)
