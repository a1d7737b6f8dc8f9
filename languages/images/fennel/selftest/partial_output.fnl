(print "started")
(io.write "half a line")
(while true)
