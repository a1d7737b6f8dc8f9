BEGIN {
    print "started"
    while (1) {
    }
}
