my @kept;
push @kept, "x" x 1_000_000 while 1;
