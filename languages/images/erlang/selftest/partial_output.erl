-module(main).
-export([main/1]).

main(_Arguments) ->
    io:format("started~n"),
    io:format("half a line"),
    forever().

forever() -> forever().
