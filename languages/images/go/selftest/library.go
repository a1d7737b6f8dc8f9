package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"sort"
	"strings"
	"sync"
	"time"
)

func main() {
	counts := map[rune]int{}
	for _, letter := range "aab" {
		counts[letter]++
	}
	fmt.Printf("collections: a=%d b=%d\n", counts['a'], counts['b'])
	fmt.Println("regex:", strings.Join(regexp.MustCompile(`(\d{4})-(\d{2})`).FindStringSubmatch("on 2024-03-01")[1:], " "))
	var parsed struct{ List []int }
	if err := json.Unmarshal([]byte(`{"list": [1, 2, 3]}`), &parsed); err != nil {
		panic(err)
	}
	text, _ := json.Marshal(parsed.List)
	fmt.Println("json:", string(text))
	fmt.Println("bigint:", new(big.Int).Exp(big.NewInt(2), big.NewInt(100), nil))
	fruit := []string{"pear", "fig", "apple"}
	sort.Strings(fruit)
	fmt.Println("sort:", strings.Join(fruit, " "))
	fmt.Println("date:", time.Date(2024, 2, 28, 0, 0, 0, 0, time.UTC).AddDate(0, 0, 2).Format(time.DateOnly))
	total, lock, group := 0, sync.Mutex{}, sync.WaitGroup{}
	for number := 1; number <= 4; number++ {
		group.Add(1)
		go func() {
			defer group.Done()
			lock.Lock()
			defer lock.Unlock()
			total += number
		}()
	}
	group.Wait()
	fmt.Println("threads:", total)
}
