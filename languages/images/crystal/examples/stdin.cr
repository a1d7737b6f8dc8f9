numbers = STDIN.each_line.map(&.to_i).to_a
puts "#{numbers.size} numbers, sum #{numbers.sum}"
