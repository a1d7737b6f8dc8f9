package main

import "fmt"

func main() {
	fmt.Printf("4 squared is %d\n", squared(4))
}
