;;; -*- lexical-binding: t -*-
(defun shapes-squared (side)
  (* side side))

(provide 'shapes)
