puts "before"
largest = Int32::MAX - ARGV.size
puts largest + 1
