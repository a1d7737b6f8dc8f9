<?php

$counts = array_count_values(mb_str_split('aab'));
echo "collections: a={$counts['a']} b={$counts['b']}\n";
preg_match('/(\d{4})-(\d{2})/', 'on 2024-03-01', $part);
echo "regex: $part[1] $part[2]\n";
echo 'json: ', json_encode(json_decode('{"list": [1, 2, 3]}')->list), "\n";
echo 'bigint: ', gmp_pow(2, 100), "\n";
$fruit = ['pear', 'fig', 'apple'];
sort($fruit);
echo 'sort: ', implode(' ', $fruit), "\n";
echo 'date: ', (new DateTimeImmutable('2024-02-28'))->modify('+2 days')->format('Y-m-d'), "\n";
