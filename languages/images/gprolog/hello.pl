:- initialization(main).

main :-
    write('Hello from Prolog (GNU)!'), nl.
