print "started"
do
loop
