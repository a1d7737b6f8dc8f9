-module(main).
-export([main/1]).

main(_Arguments) ->
    Sorted = list_to_tuple(lists:sort(series(1000000, 42, []))),
    io:format("~w ~w ~w~n", [element(1, Sorted), element(500001, Sorted), element(1000000, Sorted)]).

series(0, _, Numbers) -> Numbers;
series(Count, X, Numbers) ->
    Next = (X * 1103515245 + 12345) rem 2147483648,
    series(Count - 1, Next, [Next | Numbers]).
