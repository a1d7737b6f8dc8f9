main :-
    writeln(before),
    assertion(1 =:= 3).
