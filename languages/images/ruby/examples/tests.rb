number = gets.to_i
words = (number % 3 == 0 ? "Fizz" : "") + (number % 5 == 0 ? "Buzz" : "")
puts words.empty? ? number : words
