.say for $*IN.lines;
