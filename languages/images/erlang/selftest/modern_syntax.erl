-module(another_name).
-include_lib("eunit/include/eunit.hrl").
-export([main/0]).

add_test() -> ?assertEqual(3, lists:sum([1, 2])).

main() ->
    ok = eunit:test(?MODULE, [no_tty]),
    {ok, Word} = maybe
        {ok, Found} ?= {ok, "modern"},
        {ok, Found}
    end,
    io:format("~ts~n", [Word]).
