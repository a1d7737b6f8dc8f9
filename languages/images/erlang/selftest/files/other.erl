-module(other).
-export([text/0]).

text() -> "from another file".
