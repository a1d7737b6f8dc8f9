numbers = [1, 2]

numbers.fetch(2)
