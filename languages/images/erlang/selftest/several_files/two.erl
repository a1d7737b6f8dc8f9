-module(two).
-export([text/0]).

text() -> "two".
