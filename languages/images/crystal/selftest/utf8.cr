puts "żółć, 中文 🚀"
puts gets
