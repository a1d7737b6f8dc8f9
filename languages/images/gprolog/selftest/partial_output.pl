:- initialization(main).

main :-
    write(started), nl,
    write('half a line'),
    repeat,
    fail.
