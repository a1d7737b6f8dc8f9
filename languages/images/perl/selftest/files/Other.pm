package Other;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = ('text');

sub text { return "from another file" }

1;
