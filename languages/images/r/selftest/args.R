cat(paste0(commandArgs(trailingOnly = TRUE), "\n"), sep = "")
