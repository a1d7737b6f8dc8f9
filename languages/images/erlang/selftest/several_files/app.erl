-module(app).
-include("lib/words.hrl").
-export([main/0]).

main() -> io:format("~s~n~s~n~s~n", [?ONE, two:text(), three:text()]).
