//go:build counted

package main

const two = "two"
