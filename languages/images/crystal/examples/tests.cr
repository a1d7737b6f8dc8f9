number = gets.not_nil!.to_i
words = "#{"Fizz" if number % 3 == 0}#{"Buzz" if number % 5 == 0}"
puts words.empty? ? number : words
