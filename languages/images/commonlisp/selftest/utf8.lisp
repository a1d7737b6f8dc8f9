(write-line "żółć, 中文 🚀")
(write-line (read-line))
