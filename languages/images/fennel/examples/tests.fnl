(local number (io.read :n))
(local words (.. (if (= 0 (% number 3)) "Fizz" "") (if (= 0 (% number 5)) "Buzz" "")))
(print (if (= words "") number words))
