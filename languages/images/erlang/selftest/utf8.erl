-module(main).
-export([main/1]).

main(_Arguments) ->
    io:setopts([{encoding, unicode}]),
    io:format("~ts~n", ["żółć, 中文 🚀"]),
    io:put_chars(io:get_line("")).
