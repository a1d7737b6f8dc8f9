use strict;
use warnings;
use Shapes qw(squared);

print "4 squared is ", squared(4), "\n";
