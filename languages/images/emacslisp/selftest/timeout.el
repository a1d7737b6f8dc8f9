(princ "started\n")
(while t)
