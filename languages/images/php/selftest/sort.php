<?php

$x = 42;
$numbers = [];
for ($i = 0; $i < 1000000; $i++) {
    $numbers[] = $x = ($x * 1103515245 + 12345) % 2147483648;
}
sort($numbers);
echo "$numbers[0] $numbers[500000] $numbers[999999]\n";
