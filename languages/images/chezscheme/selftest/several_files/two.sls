(library (two)
  (export two)
  (import (rnrs))
  (define (two) "two"))
