package main

import "fmt"

func main() {
	fmt.Println("started")
	fmt.Print("half a line")
	for {
	}
}
