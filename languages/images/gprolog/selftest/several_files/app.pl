:- initialization(main).

main :-
    two(Two),
    three(Three),
    ( member(Text, [one, Two, Three]), write(Text), nl, fail ; true ).
