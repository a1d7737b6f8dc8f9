package main

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

type number interface{ ~int | ~float64 }

func sum[T number](items ...T) (total T) {
	for _, each := range items {
		total += each
	}
	return
}

func parts() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for at, text := range []string{"mod", "er", "n"} {
			if !yield(at, text) {
				return
			}
		}
	}
}

func main() {
	found := map[int]string{}
	for at, text := range parts() {
		found[at] = text
	}
	var word strings.Builder
	for _, at := range slices.SortedFunc(maps.Keys(found), cmp.Compare[int]) {
		word.WriteString(found[at])
	}
	for range sum(1) {
		fmt.Println(word.String())
	}
	clear(found)
	_ = min(1, len(found))
}
