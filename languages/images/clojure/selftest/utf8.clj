(println "żółć, 中文 🚀")
(println (read-line))
