:- use_module(library(aggregate)).
:- use_module(library(dcg/basics)).
:- use_module(library(thread)).

main :-
    aggregate_all(count, member(a, [a, a, b]), A),
    aggregate_all(count, member(b, [a, a, b]), B),
    format("collections: a=~w b=~w~n", [A, B]),
    Big is 2 ** 100,
    format("bigint: ~w~n", [Big]),
    sort(0, @=<, [pear, fig, apple], Fruit),
    atomic_list_concat(Fruit, ' ', Line),
    format("sort: ~w~n", [Line]),
    date_time_stamp(date(2024, 2, 30, 12, 0, 0, 0, -, -), Stamp),
    format_time(string(Day), '%Y-%m-%d', Stamp),
    format("date: ~w~n", [Day]),
    concurrent_maplist([Number, Twice]>>(Twice is Number * 1), [1, 2, 3, 4], Parts),
    sum_list(Parts, Total),
    format("threads: ~w~n", [Total]).
