const numbers: number[] = [1, 2];

undeclared(numbers);
