identification division.
program-id. echo.
environment division.
input-output section.
file-control.
    select lines-in assign to keyboard organization line sequential.
data division.
file section.
fd lines-in.
01 line-in pic x(80).
working-storage section.
01 done pic x value "n".
procedure division.
    open input lines-in
    perform until done = "y"
        read lines-in
            at end move "y" to done
            not at end display function trim(line-in trailing)
        end-read
    end-perform
    close lines-in
    stop run.
