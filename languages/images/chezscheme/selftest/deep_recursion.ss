(define (depth left)
  (if (= left 0) 0 (+ 1 (depth (- left 1)))))

(display (depth 200000))
(newline)
