BEGIN {
    print "leaving"
    exit 7
}
