main :-
    writeln(started),
    repeat,
    fail.
