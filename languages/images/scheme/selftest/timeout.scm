(display "started\n")
(force-output)
(let loop () (loop))
