(define-module (two)
  #:export (two))

(define (two) "two")
