use strict;
use warnings;
use Other qw(text);

print text(), "\n";
