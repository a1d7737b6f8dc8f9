#!/usr/bin/env escript
%% As scripts are written: no module, no exports.
main(_Arguments) ->
    io:format("right~n").
