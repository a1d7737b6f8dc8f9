identification division.
program-id. leave.
procedure division.
    display "leaving"
    move 7 to return-code
    stop run.
