(define-module (lib three)
  #:export (three))

(define (three) "three")
