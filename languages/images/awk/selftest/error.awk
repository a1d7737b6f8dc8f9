BEGIN {
    print "before"
    print ) after
}
