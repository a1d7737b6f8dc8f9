:- initialization(main).

main :-
    argument_list(Arguments),
    ( member(Argument, Arguments), write(Argument), nl, fail ; true ).
