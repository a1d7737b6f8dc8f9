(library (shapes)
  (export squared)
  (import (chezscheme))
  (define (squared side) (* side side)))
