(setq numbers '(1 2))
(princ numbers)
(princ (car numbers)))
