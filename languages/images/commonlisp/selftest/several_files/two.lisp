(defun two ()
  "two")
