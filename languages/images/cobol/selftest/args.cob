identification division.
program-id. arguments.
data division.
working-storage section.
01 argument pic x(80).
01 argument-count pic 9(4).
procedure division.
    accept argument-count from argument-number
    perform argument-count times
        move spaces to argument
        accept argument from argument-value
        display function trim(argument trailing)
    end-perform
    stop run.
