x = 42_i64
numbers = Array.new(1_000_000) { x = (x * 1103515245 + 12345) % 2147483648 }
numbers.sort!
puts "#{numbers[0]} #{numbers[500_000]} #{numbers[999_999]}"
