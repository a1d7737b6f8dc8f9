(display "before\n")
(assert (= 3 (+ 1 1)))
