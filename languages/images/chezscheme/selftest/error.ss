(define first 1)

(let ([second]) second)
