unit module Other;

sub text is export { "from another file" }
