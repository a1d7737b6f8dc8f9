cat("żółć, 中文 🚀\n")
cat(readLines(file("stdin"), n = 1), "\n", sep = "")
