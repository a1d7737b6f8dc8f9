package Two;

sub text { return 'two' }

1;
