(load "two.lisp")
(load "lib/three.lisp")

(write-line "one")
(write-line (two))
(write-line (three))
