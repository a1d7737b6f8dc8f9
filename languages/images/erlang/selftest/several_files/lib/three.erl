-module(three).
-export([text/0]).

text() -> atom_to_list(?THREE).
