counts <- table(strsplit("aab", "")[[1]])
cat(sprintf("collections: a=%d b=%d\n", counts["a"], counts["b"]))
part <- regmatches("on 2024-03-01", regexec("([0-9]{4})-([0-9]{2})", "on 2024-03-01"))[[1]]
cat("regex: ", part[2], " ", part[3], "\n", sep = "")
cat("json: ", jsonlite::toJSON(jsonlite::fromJSON('{"list": [1, 2, 3]}')$list), "\n", sep = "")
cat("sort: ", paste(sort(c("pear", "fig", "apple")), collapse = " "), "\n", sep = "")
cat("date: ", format(as.Date("2024-02-28") + 2), "\n", sep = "")
