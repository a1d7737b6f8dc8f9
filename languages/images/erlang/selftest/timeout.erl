-module(main).
-export([main/1]).

main(_Arguments) ->
    io:format("started~n"),
    forever().

forever() -> forever().
