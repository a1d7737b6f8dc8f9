identification division.
program-id. forever.
procedure division.
    display "started"
    perform until 1 = 2
        continue
    end-perform
    stop run.
