use strict;
use warnings;
use List::Util qw(sum0);

my @numbers = map { split } <STDIN>;
printf "%d numbers, sum %d\n", scalar @numbers, sum0 @numbers;
