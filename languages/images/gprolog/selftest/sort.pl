:- initialization(main).

% Integers have 61 bits, which the products of the sequence need.
series(0, _, []) :- !.
series(Count, X, [Next | Rest]) :-
    Next is (X * 1103515245 + 12345) mod 2147483648,
    Fewer is Count - 1,
    series(Fewer, Next, Rest).

main :-
    series(1000000, 42, Numbers),
    msort(Numbers, Sorted),
    nth(1, Sorted, First),
    nth(500001, Sorted, Middle),
    last(Sorted, Last),
    format('~d ~d ~d~n', [First, Middle, Last]).
