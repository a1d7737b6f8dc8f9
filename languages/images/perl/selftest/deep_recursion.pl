use strict;
use warnings;
no warnings "recursion";

sub depth {
    my ($left) = @_;
    return $left == 0 ? 0 : 1 + depth($left - 1);
}

print depth(200000), "\n";
