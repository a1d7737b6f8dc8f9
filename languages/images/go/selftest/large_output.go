package main

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	fmt.Print(strings.Repeat("y", 500000))
	os.Exit(0)
}
