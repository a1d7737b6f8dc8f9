my @numbers = 1, 2;
say @numbers;
say undeclared(@numbers);
