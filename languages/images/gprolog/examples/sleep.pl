:- initialization(main).

main :-
    (   between(1, 5, Number),
        write(Number), nl,
        sleep(0.4),
        fail
    ;   true
    ).
