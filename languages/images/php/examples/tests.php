<?php

$number = (int) fgets(STDIN);
$words = ($number % 3 ? '' : 'Fizz') . ($number % 5 ? '' : 'Buzz');
echo $words ?: $number, "\n";
