% The recurrence is linear, so each block of numbers is the one before it, many steps on.
factor = uint64(1103515245);
addend = uint64(12345);
modulus = uint64(2147483648);
numbers = mod(factor * uint64(42) + addend, modulus);
while numel(numbers) < 1000000
  numbers = [numbers, mod(factor * numbers + addend, modulus)];
  addend = mod(factor * addend + addend, modulus);
  factor = mod(factor * factor, modulus);
end
numbers = sort(numbers(1:1000000));
printf("%d %d %d\n", numbers(1), numbers(500001), numbers(1000000));
