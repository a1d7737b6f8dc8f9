(print "started")
(while true)
