unit module Two;

sub two is export { "two" }
