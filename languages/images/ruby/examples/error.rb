def shout(text)
  text.upcase
end

puts shout("ada")
puts shout(nil.name)
