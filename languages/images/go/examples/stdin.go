package main

import "fmt"

func main() {
	count, sum, number := 0, 0, 0
	for {
		if _, err := fmt.Scan(&number); err != nil {
			break
		}
		count++
		sum += number
	}
	fmt.Printf("%d numbers, sum %d\n", count, sum)
}
