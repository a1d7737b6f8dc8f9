:- initialization(main).

main :-
    write(before), nl,
    atom_length(ada, Length),
    write Length, nl.
