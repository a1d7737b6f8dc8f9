:- initialization(main).

main :-
    writeln(right).
