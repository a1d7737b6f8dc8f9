identification division.
program-id. forever.
procedure division.
    display "started"
    display "half a line" with no advancing
    perform until 1 = 2
        continue
    end-perform
    stop run.
