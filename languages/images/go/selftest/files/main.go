package main

import (
	"fmt"

	"example.com/several/text"
)

func main() {
	fmt.Println(join("from", text.Rest))
}
