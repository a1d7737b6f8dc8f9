source("two.R")
source("lib/three.R")
writeLines(c("one", two(), three()))
