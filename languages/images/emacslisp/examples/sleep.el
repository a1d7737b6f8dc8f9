(dotimes (number 5)
  (princ (format "%d\n" (1+ number)))
  (sleep-for 0.4))
