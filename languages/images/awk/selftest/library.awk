BEGIN {
    split("aab", letters, "")
    for (i in letters)
        counts[letters[i]]++
    print "collections: a=" counts["a"] " b=" counts["b"]
    match("on 2024-03-01", /([0-9]{4})-([0-9]{2})/, part)
    print "regex:", part[1], part[2]
    split("pear fig apple", fruit)
    asort(fruit)
    print "sort:", fruit[1], fruit[2], fruit[3]
    print "date:", strftime("%Y-%m-%d", mktime("2024 02 30 12 00 00"))
}
