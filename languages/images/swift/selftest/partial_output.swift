print("started")
print("half a line", terminator: "")
while true {
}
