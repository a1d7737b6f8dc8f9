require_relative "other"

puts text
