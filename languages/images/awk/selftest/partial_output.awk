BEGIN {
    print "started"
    printf "half a line"
    while (1) {
    }
}
