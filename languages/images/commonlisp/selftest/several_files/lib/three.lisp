(defun three ()
  "three")
