:- initialization(main).

main :-
    squared(4, Area),
    format('4 squared is ~d~n', [Area]).
