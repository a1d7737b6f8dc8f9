println "leaving"
System.exit(7)
