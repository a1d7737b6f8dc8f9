:- use_module(other).

main :-
    text(Text),
    writeln(Text).
