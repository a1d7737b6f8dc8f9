main :-
    writeln(before),
    writeln after.
