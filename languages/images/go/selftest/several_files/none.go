//go:build !counted

package main

const two = "two was not asked for"
