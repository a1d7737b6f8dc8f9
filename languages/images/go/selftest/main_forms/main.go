//go:build ignore

package main

import (
	"embed"
	"fmt"
)

//go:embed word.txt
var word string

//go:embed words/*.txt all:words
var words embed.FS

func main() {
	hidden, _ := words.ReadFile("words/_hidden.txt")
	entries, _ := words.ReadDir("words")
	if string(hidden) == "hidden" && len(entries) == 2 {
		fmt.Println(word)
	}
}
