(print (apply str (repeat 500000 "y")))
(flush)
(System/exit 0)
