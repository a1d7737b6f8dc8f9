(dolist (name argv)
  (princ (format "Hello, %s!\n" name)))
(setq argv nil)
