println "żółć, 中文 🚀"
println System.in.newReader().readLine()
