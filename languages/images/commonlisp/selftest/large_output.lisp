(dotimes (i 500000) (write-char #\y))
(exit)
