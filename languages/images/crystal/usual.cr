# What programs usually use, for the cache of compiled parts.
require "json"

record Point, x : Int32, y : Int32

numbers = (1..10).map { |i| i * i }
counts = Hash(Char, Int32).new(0)
"some words".each_char { |letter| counts[letter] += 1 }
points = numbers.map { |number| Point.new(number, -number) }
puts numbers.sort.join(" "), counts, points.size, numbers.sum, "%.2f" % 1.5
words = gets.try &.split.map(&.to_i?)
p words, ARGV, {"a" => [1, 2]}.to_json
begin
  raise "nothing" if ARGV.size > 3
rescue error
  STDERR.puts error.message
end
STDIN.each_line { |line| puts line.upcase }
