package Lib::Three;

sub text { return 'three' }

1;
