// Package text lies in a directory of its own.
package text

const Rest = "another file"
