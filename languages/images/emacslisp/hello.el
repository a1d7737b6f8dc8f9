(princ "Hello from Emacs Lisp!\n")
