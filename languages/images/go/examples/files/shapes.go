package main

func squared(side int) int {
	return side * side
}
