(print "żółć, 中文 🚀")
(print (io.read))
