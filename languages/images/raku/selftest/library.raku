my $counts = bag <a a b>;
say "collections: a=$counts<a> b=$counts<b>";
say "regex: $0 $1" if "on 2024-03-01" ~~ / (\d ** 4) '-' (\d ** 2) /;
say "bigint: { 2 ** 100 }";
say "sort: { <pear fig apple>.sort }";
say "date: { Date.new(2024, 2, 28) + 2 }";
say "threads: { [+] await (1 .. 4).map: -> $number { start { $number } } }";
