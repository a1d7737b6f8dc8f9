(display "żółć, 中文 🚀\n")
(display (get-line (current-input-port)))
(newline)
