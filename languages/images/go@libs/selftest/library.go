package main

import (
	"errors"
	"fmt"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"golang.org/x/exp/constraints"
	"golang.org/x/exp/maps"
	"golang.org/x/exp/rand"
	"golang.org/x/exp/slices"
)

func largest[T constraints.Ordered](values ...T) T {
	return slices.Max(values)
}

type clock struct{ mock.Mock }

func (c *clock) Hour() int { return c.Called().Int(0) }

// recorder counts what fails.
type recorder struct{ failed int }

func (r *recorder) Errorf(string, ...any) { r.failed++ }
func (r *recorder) Logf(string, ...any)   {}
func (r *recorder) FailNow()              { panic("now") }

func main() {
	r := &recorder{}
	assert.Equal(r, []int{1, 2}, []int{1, 2})
	assert.ErrorIs(r, errors.New("one"), errors.New("two"))
	assert.YAMLEq(r, "a: 1", "{a: 1}")
	fmt.Println("testify:", r.failed)
	c := &clock{}
	c.On("Hour").Return(7)
	fmt.Println("mock:", c.Hour(), c.AssertExpectations(r))
	names := maps.Keys(map[string]int{"pear": 1, "fig": 2})
	slices.Sort(names)
	fmt.Println("exp:", largest(3, 7, 5), names, rand.New(rand.NewSource(1)).Intn(1))
}
