number = int(input())
words = ("Fizz" if number % 3 == 0 else "") + ("Buzz" if number % 5 == 0 else "")
print(words or number)
