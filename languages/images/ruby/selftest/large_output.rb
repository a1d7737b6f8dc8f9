print "y" * 500000
exit 0
