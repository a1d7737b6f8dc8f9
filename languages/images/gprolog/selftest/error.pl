main :-
    write(before),
    write after.
