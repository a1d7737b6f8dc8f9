series(0, _, []) :- !.
series(Count, X, [Next | Rest]) :-
    Next is (X * 1103515245 + 12345) mod 2147483648,
    Fewer is Count - 1,
    series(Fewer, Next, Rest).

main :-
    series(1000000, 42, Numbers),
    msort(Numbers, Sorted),
    nth0(0, Sorted, First),
    nth0(500000, Sorted, Middle),
    last(Sorted, Last),
    format("~w ~w ~w~n", [First, Middle, Last]).
