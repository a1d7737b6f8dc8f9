print "żółć, 中文 🚀"
line input "" a$
print a$
