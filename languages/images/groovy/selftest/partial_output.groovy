println "started"
print "half a line"
while (true) {
}
