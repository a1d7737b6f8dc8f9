my @numbers = $*IN.lines.map(*.Int);
say "{ @numbers.elems } numbers, sum { @numbers.sum }";
