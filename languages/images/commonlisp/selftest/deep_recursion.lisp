(defun depth (left)
  (if (= left 0) 0 (+ 1 (depth (- left 1)))))

(format t "~a~%" (depth 200000))
