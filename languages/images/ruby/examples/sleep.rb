(1..5).each do |number|
  puts number
  sleep 0.4
end
