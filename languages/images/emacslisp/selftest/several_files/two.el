;;; -*- lexical-binding: t -*-
(defun two () "two")

(provide 'two)
