require "date"
require "json"
require "set"

counts = "aab".chars.tally
puts "collections: a=#{counts['a']} b=#{counts['b']}"
puts "regex: #{/(\d{4})-(\d{2})/.match('on 2024-03-01').captures.join(' ')}"
puts "json: #{JSON.generate(JSON.parse('{"list": [1, 2, 3]}')['list'])}"
puts "bigint: #{2**100}"
puts "sort: #{%w[pear fig apple].sort.join(' ')}"
puts "date: #{Date.new(2024, 2, 28) + 2}"
puts "threads: #{(1..4).map { |number| Thread.new { number } }.sum(&:value)}"
