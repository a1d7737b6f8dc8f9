use strict;

print $undeclared;
