(let* ((number (string-to-number (read-from-minibuffer "")))
       (words (concat (if (zerop (% number 3)) "Fizz") (if (zerop (% number 5)) "Buzz"))))
  (princ (format "%s\n" (if (string-empty-p words) number words))))
