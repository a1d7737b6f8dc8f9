(display (make-string 500000 #\y))
(exit 0)
