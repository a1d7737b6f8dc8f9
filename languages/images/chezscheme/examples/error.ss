(define (shout text)
  (string-upcase text))

(printf "~a\n" (shout "ada"))

(let ([name]) (shout name))
