(load "other.lisp")

(write-line (text))
