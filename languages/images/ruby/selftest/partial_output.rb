puts "started"
print "half a line"
loop {}
