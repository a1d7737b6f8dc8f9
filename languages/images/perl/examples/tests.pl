use strict;
use warnings;

my $number = <STDIN> + 0;
my $words = ($number % 3 ? '' : 'Fizz') . ($number % 5 ? '' : 'Buzz');
print $words || $number, "\n";
