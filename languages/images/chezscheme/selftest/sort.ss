(define numbers (make-vector 1000000))

(let fill ([i 0] [x 42])
  (when (< i 1000000)
    (let ([next (modulo (+ (* x 1103515245) 12345) 2147483648)])
      (vector-set! numbers i next)
      (fill (+ i 1) next))))

(vector-sort! < numbers)
(printf "~a ~a ~a\n" (vector-ref numbers 0) (vector-ref numbers 500000) (vector-ref numbers 999999))
