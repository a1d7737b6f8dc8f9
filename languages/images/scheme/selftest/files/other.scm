(define-module (other)
  #:export (text))

(define (text) "from another file")
