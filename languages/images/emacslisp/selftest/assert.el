(require 'cl-lib)

(princ "before\n")
(cl-assert (= 3 (+ 1 1)))
