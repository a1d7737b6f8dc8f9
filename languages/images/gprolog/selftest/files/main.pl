:- initialization(main).

main :-
    text(Text),
    write(Text), nl.
