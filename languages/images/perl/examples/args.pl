use strict;
use warnings;

print "Hello, $_!\n" for @ARGV;
