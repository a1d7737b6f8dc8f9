// Package stacks has no main.
package stacks

import "example.org/stacks/errs"

// Stack gives the last first.
type Stack struct{ items []int }

// Push puts one on top.
func (s *Stack) Push(item int) { s.items = append(s.items, item) }

// Pop takes the last.
func (s *Stack) Pop() (int, error) {
	if len(s.items) == 0 {
		return 0, errs.Empty
	}
	last := s.items[len(s.items)-1]
	s.items = s.items[:len(s.items)-1]
	return last, nil
}
