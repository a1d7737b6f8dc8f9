print "y" * 500_000
exit 0
