:- initialization(main).

main :-
    write(started), nl,
    repeat,
    fail.
