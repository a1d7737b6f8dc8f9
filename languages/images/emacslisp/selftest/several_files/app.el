(require 'two)
(require 'three "lib/three")

(dolist (text (list "one" (two) (three)))
  (princ (concat text "\n")))
