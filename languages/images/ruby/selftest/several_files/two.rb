def two = "two"
