-module(main).
-export([main/1]).

main(_Arguments) ->
    Count = fun(Letter, Counts) -> maps:update_with(Letter, fun(N) -> N + 1 end, 1, Counts) end,
    #{$a := A, $b := B} = lists:foldl(Count, #{}, "aab"),
    io:format("collections: a=~w b=~w~n", [A, B]),
    {match, [Year, Month]} = re:run("on 2024-03-01", "(\\d{4})-(\\d{2})", [{capture, all_but_first, list}]),
    io:format("regex: ~s ~s~n", [Year, Month]),
    #{<<"list">> := List} = json:decode(<<"{\"list\": [1, 2, 3]}">>),
    io:format("json: ~s~n", [json:encode(List)]),
    io:format("bigint: ~w~n", [1 bsl 100]),
    io:format("sort: ~s~n", [lists:join(" ", lists:sort(["pear", "fig", "apple"]))]),
    {Y, M, D} = calendar:gregorian_days_to_date(calendar:date_to_gregorian_days(2024, 2, 28) + 2),
    io:format("date: ~4..0w-~2..0w-~2..0w~n", [Y, M, D]),
    Self = self(),
    [spawn(fun() -> Self ! {part, Number} end) || Number <- [1, 2, 3, 4]],
    io:format("threads: ~w~n", [lists:sum([receive {part, Number} -> Number end || _ <- [1, 2, 3, 4]])]).
