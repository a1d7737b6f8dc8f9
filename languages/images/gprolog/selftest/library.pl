:- initialization(main).

count(_, [], 0).
count(Element, [Element | Rest], Count) :- !, count(Element, Rest, Fewer), Count is Fewer + 1.
count(Element, [_ | Rest], Count) :- count(Element, Rest, Count).

main :-
    count(a, [a, a, b], A),
    count(b, [a, a, b], B),
    format('collections: a=~d b=~d~n', [A, B]),
    msort([pear, fig, apple], [First, Second, Third]),
    format('sort: ~w ~w ~w~n', [First, Second, Third]).
