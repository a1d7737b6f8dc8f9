(print "before")
(assert (= 3 (+ 1 1)))
