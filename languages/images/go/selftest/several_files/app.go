package main

import (
	"fmt"

	"example.com/app/lib"
)

func main() {
	fmt.Println("one")
	fmt.Println(two)
	fmt.Println(lib.Three())
}
