:- initialization(main).

depth(0, 0) :- !.
depth(Left, Depth) :-
    Fewer is Left - 1,
    depth(Fewer, Less),
    Depth is Less + 1.

main :-
    depth(200000, Depth),
    write(Depth), nl.
