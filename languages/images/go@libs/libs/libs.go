// Package libs names what is compiled beside the standard library.
package libs

import (
	_ "github.com/stretchr/testify/assert"
	_ "github.com/stretchr/testify/mock"
	_ "github.com/stretchr/testify/require"
	_ "github.com/stretchr/testify/suite"
	_ "golang.org/x/exp/constraints"
	_ "golang.org/x/exp/ebnf"
	_ "golang.org/x/exp/maps"
	_ "golang.org/x/exp/rand"
	_ "golang.org/x/exp/slices"
	_ "golang.org/x/exp/slog"
	_ "golang.org/x/exp/utf8string"
)
