package Shapes;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = ('squared');

sub squared { return $_[0] ** 2 }

1;
