use strict;
use warnings;
use Lib::Three;
use Two;

print "one\n", Two::text(), "\n", Lib::Three::text(), "\n";
