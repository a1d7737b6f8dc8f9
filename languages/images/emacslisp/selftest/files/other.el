;;; -*- lexical-binding: t -*-
(defun other-text ()
  "from another file")

(provide 'other)
