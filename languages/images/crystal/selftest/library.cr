require "big"
require "json"

counts = "aab".chars.tally
puts "collections: a=#{counts['a']} b=#{counts['b']}"
puts "regex: #{$1} #{$2}" if "on 2024-03-01" =~ /(\d{4})-(\d{2})/
puts "json: #{JSON.parse(%({"list": [1, 2, 3]}))["list"].to_json}"
puts "bigint: #{BigInt.new(2) ** 100}"
puts "sort: #{%w(pear fig apple).sort.join(" ")}"
puts "date: #{(Time.utc(2024, 2, 28) + 2.days).to_s("%Y-%m-%d")}"
parts = Channel(Int32).new
(1..4).each { |number| spawn { parts.send number } }
puts "threads: #{(1..4).sum { parts.receive }}"
