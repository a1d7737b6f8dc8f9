print "Hello from Basic!"
