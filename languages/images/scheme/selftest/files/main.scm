(use-modules (other))

(display (text))
(newline)
