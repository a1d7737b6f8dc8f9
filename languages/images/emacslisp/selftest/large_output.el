(princ (make-string 500000 ?y))
(kill-emacs 0)
