package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	fmt.Println("żółć, 中文 🚀")
	line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	fmt.Print(line)
}
