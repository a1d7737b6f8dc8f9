package stacks_test

import (
	"fmt"
	"testing"

	"example.org/stacks"
	"example.org/stacks/errs"
	"github.com/stretchr/testify/suite"
)

type pops struct {
	suite.Suite
	stack stacks.Stack
}

func (p *pops) SetupTest() { p.stack = stacks.Stack{} }

func (p *pops) TestEmpty() {
	_, err := p.stack.Pop()
	p.Require().ErrorIs(err, errs.Empty)
}

func TestPops(t *testing.T) { suite.Run(t, new(pops)) }

func ExampleStack_Pop() {
	s := stacks.Stack{}
	s.Push(1)
	s.Push(2)
	fmt.Println(s.Pop())
	// Output: 2 <nil>
}
