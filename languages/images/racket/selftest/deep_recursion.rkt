#lang racket

(define (depth left)
  (if (= left 0) 0 (+ 1 (depth (- left 1)))))

(displayln (depth 200000))
