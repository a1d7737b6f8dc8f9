identification division.
program-id. three.
procedure division.
    display "three"
    goback.
