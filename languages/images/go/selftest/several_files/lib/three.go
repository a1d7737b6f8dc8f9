package lib

// Three is the last word.
func Three() string {
	return "three"
}
