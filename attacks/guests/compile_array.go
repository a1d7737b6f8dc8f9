package main

var table = [1 << 28]int64{1, 1<<28 - 1: 2}

func main() {
	println(table[len(table)-1])
}
