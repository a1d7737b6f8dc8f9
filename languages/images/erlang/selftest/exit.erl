-module(main).
-export([main/1]).

main(_Arguments) ->
    io:format("leaving~n"),
    halt(7).
