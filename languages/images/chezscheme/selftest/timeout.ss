(display "started\n")
(let loop () (loop))
