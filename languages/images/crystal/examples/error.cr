def shout(text : String)
  text.upcase
end

puts shout "ada"
puts shout 42
