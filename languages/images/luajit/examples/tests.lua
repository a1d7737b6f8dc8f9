local number = io.read("*n")
local words = (number % 3 == 0 and "Fizz" or "") .. (number % 5 == 0 and "Buzz" or "")
print(words ~= "" and words or number)
