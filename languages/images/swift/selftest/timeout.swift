print("started")
while true {
}
