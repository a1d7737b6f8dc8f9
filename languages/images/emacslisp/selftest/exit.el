(princ "leaving\n")
(kill-emacs 7)
