(import (two) (lib three))

(for-each (lambda (text) (display text) (newline)) (list "one" (two) (three)))
