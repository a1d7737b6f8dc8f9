-module(main).
-export([main/1]).

main(_Arguments) ->
    io:put_chars(lists:duplicate(500000, $y)),
    halt(0).
