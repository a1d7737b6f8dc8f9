use strict;
use warnings;

my ($x, @numbers) = (42);
push @numbers, $x = ($x * 1103515245 + 12345) % 2**31 for 1 .. 1_000_000;
@numbers = sort { $a <=> $b } @numbers;
print "$numbers[0] $numbers[500_000] $numbers[-1]\n";
