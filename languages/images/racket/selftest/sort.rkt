#lang racket

(define numbers (make-vector 1000000))
(void (for/fold ([x 42]) ([i 1000000])
  (define next (modulo (+ (* x 1103515245) 12345) 2147483648))
  (vector-set! numbers i next)
  next))
(vector-sort! numbers <)
(printf "~a ~a ~a\n" (vector-ref numbers 0) (vector-ref numbers 500000) (vector-ref numbers 999999))
