print "y" * 500000
System.exit(0)
