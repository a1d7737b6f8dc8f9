package stacks

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	os.Exit(m.Run())
}

func TestItems(t *testing.T) {
	s := Stack{}
	s.Push(1)
	if len(s.items) != 1 {
		t.Fatal(s.items)
	}
}

func BenchmarkPush(b *testing.B) {
	s := Stack{}
	for b.Loop() {
		s.Push(1)
	}
}
