def first = 1

undeclared(first)
