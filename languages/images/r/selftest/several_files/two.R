two <- function() "two"
