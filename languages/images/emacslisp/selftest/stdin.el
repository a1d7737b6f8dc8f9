(condition-case nil
    (while t
      (princ (concat (read-from-minibuffer "") "\n")))
  (end-of-file nil))
