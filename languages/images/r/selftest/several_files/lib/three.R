three <- function() "three"
