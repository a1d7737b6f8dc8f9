say "started";
loop { }
