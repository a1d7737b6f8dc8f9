(local numbers [1 2])

(print (. numbers.first :second))
