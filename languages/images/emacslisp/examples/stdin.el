(let ((count 0)
      (sum 0))
  (condition-case nil
      (while t
        (setq sum (+ sum (string-to-number (read-from-minibuffer "")))
              count (1+ count)))
    (end-of-file nil))
  (princ (format "%d numbers, sum %d\n" count sum)))
