1.upto(5) do |number|
  puts number
  sleep 0.4.seconds
end
