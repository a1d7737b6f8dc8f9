identification division.
program-id. wrong.
procedure divisio.
    display undeclared
    stop run.
