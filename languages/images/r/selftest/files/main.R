source("other.R")
cat(text(), "\n", sep = "")
