(dolist (argument argv)
  (princ (concat argument "\n")))
(setq argv nil)
