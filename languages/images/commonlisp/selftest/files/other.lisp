(defun text ()
  "from another file")
