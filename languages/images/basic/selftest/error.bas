let a = 1
print a
print a$ + 1
