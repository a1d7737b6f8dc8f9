let first = 1

undeclared(first)
