my int $x = 42;
my int @numbers;
loop (my int $i = 0; $i < 1_000_000; $i++) {
    $x = ($x * 1103515245 + 12345) % 2147483648;
    @numbers[$i] = $x;
}
my @sorted = @numbers.sort;
say "@sorted[0] @sorted[500_000] @sorted[999_999]";
