use strict;
use warnings;

my ($six, $nothing) = (6, 0);
print "$six divided by $nothing is\n";
print $six / $nothing, "\n";
