let upper = "TWO"
