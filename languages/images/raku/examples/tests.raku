my $number = $*IN.get.Int;
say ("Fizz" x $number %% 3) ~ ("Buzz" x $number %% 5) || $number;
