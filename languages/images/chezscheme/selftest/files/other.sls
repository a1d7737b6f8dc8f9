(library (other)
  (export text)
  (import (chezscheme))
  (define (text) "from another file"))
