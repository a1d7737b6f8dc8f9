ARGV.each { |name| puts "Hello, #{name}!" }
