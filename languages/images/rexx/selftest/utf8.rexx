say "żółć, 中文 🚀"
parse linein line
say line
