package main

import "fmt"

func main() {
	var answer int = "forty-two"
	fmt.Println(answer)
}
