println "started"
while (true) {
}
