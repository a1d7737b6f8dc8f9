(princ "żółć, 中文 🚀\n")
(princ (concat (read-from-minibuffer "") "\n"))
