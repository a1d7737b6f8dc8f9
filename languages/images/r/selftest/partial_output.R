cat("started\n")
cat("half a line")
while (TRUE) {}
