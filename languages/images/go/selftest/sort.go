package main

import (
	"fmt"
	"slices"
)

func main() {
	numbers := make([]int, 1_000_000)
	x := 42
	for i := range numbers {
		x = (x*1103515245 + 12345) % (1 << 31)
		numbers[i] = x
	}
	slices.Sort(numbers)
	fmt.Println(numbers[0], numbers[500_000], numbers[999_999])
}
