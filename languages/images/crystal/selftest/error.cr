numbers = [1, 2]

undeclared numbers
