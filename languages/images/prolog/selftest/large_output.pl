main :-
    forall(between(1, 500000, _), put_char(y)),
    halt.
