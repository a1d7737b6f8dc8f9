print "started"
print "half a line";
do
loop
