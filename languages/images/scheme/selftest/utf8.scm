(use-modules (ice-9 rdelim))

(display "żółć, 中文 🚀\n")
(display (read-line))
(newline)
