package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func double(number int) int {
	return number * 2
}

func TestDouble(t *testing.T) {
	for _, each := range []struct {
		name        string
		given, want int
	}{{"two", 2, 4}, {"none", 0, 0}} {
		t.Run(each.name, func(t *testing.T) {
			assert.Equal(t, each.want, double(each.given))
		})
	}
}

func TestWrong(t *testing.T) {
	assert.Equal(t, 5, double(2), "five is odd")
}
