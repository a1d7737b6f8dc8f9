(library (lib three)
  (export three)
  (import (rnrs))
  (define (three) "three"))
