use strict;
use warnings;
use JSON::PP;
use List::Util qw(sum);
use Math::BigInt;
use POSIX qw(strftime mktime);
use threads;

my %counts;
$counts{$_}++ for split //, "aab";
print "collections: a=$counts{a} b=$counts{b}\n";
print "regex: $1 $2\n" if "on 2024-03-01" =~ /(\d{4})-(\d{2})/;
print "json: ", encode_json(decode_json('{"list": [1, 2, 3]}')->{list}), "\n";
print "bigint: ", Math::BigInt->new(2)->bpow(100), "\n";
print "sort: @{[sort qw(pear fig apple)]}\n";
print "date: ", strftime("%Y-%m-%d", 0, 0, 12, 28 + 2, 1, 124), "\n";
my @threads = map { my $number = $_; threads->create(sub { return $number }) } 1 .. 4;
print "threads: ", sum(map { $_->join } @threads), "\n";
