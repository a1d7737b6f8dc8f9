print "started\n";
print "half a line";
1 while 1;
