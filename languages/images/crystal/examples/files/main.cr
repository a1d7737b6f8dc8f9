require "./shapes"

puts "4 squared is #{squared 4}"
