for i = 1 to 500000
  print "y";
next i
exit 0
