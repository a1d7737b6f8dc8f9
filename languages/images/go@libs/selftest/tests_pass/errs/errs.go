// Package errs names what goes wrong.
package errs

import "errors"

// Empty is for what has nothing to give.
var Empty = errors.New("empty")
