say "Hello, $_!" for @*ARGS;
