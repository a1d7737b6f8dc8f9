use strict;
use warnings;

for my $number (1 .. 5) {
    print "$number\n";
    select undef, undef, undef, 0.4;
}
