identification division.
program-id. two.
procedure division.
    display "two"
    goback.
