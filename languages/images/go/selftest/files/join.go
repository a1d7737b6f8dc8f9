package main

func join(words ...string) string {
	return words[0] + " " + words[1]
}
