identification division.
program-id. large.
procedure division.
    perform 500000 times
        display "y" with no advancing
    end-perform
    stop run.
