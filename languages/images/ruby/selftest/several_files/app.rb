require_relative "two"
require "./lib/three"

puts "one", two, Lib.three
