package main

import "fmt"

func deeper(n [64]int) int {
	n[0]++
	return deeper(n) + n[1]
}

func main() {
	fmt.Println(deeper([64]int{}))
}
