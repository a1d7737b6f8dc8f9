:- use_module(two).
:- use_module(lib/three).

main :-
    two(Two),
    three(Three),
    maplist(writeln, [one, Two, Three]).
