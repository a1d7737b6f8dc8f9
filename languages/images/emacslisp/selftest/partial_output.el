(princ "started\n")
(princ "half a line")
(while t)
