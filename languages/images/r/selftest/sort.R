# Doubles are exact up to 2^53, so the product is made in two halves.
following <- function(x) {
  high <- x %/% 65536
  low <- x %% 65536
  (((high * 1103515245) %% 32768) * 65536 + low * 1103515245 + 12345) %% 2147483648
}
numbers <- numeric(1000000)
x <- 42
for (i in seq_along(numbers)) numbers[i] <- x <- following(x)
numbers <- sort(numbers)
cat(sprintf("%.0f %.0f %.0f\n", numbers[1], numbers[500001], numbers[1000000]))
