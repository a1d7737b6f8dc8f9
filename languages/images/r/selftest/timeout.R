cat("started\n")
while (TRUE) {}
