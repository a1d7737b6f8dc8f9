;;; -*- lexical-binding: t -*-
(defun three () "three")

(provide 'three)
