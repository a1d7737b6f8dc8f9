require "./other"

puts Other.text
