require "./two"
require "./lib/three"

puts "one", two, three
