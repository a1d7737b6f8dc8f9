cat("before\n")
stopifnot(1 + 1 == 3)
