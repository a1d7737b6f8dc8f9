(local numbers [])
(var x 42)
(for [i 1 1000000]
  (set x (% (+ (* x 1103515245) 12345) 2147483648))
  (tset numbers i x))
(table.sort numbers)
(print (.. (. numbers 1) " " (. numbers 500001) " " (. numbers 1000000)))
