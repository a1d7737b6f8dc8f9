(print "Hello from Fennel!")
