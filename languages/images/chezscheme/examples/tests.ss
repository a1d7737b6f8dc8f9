(let* ([number (read)]
       [words (string-append (if (zero? (modulo number 3)) "Fizz" "") (if (zero? (modulo number 5)) "Buzz" ""))])
  (display (if (string=? words "") number words))
  (newline))
