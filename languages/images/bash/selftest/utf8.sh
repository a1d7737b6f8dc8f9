echo "żółć, 中文 🚀"
read -r line
echo "$line"
