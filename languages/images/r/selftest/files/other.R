text <- function() "from another file"
