:- initialization(main).

main :-
    get_char(Character),
    copy(Character).

copy(end_of_file) :- !.
copy(Character) :-
    put_char(Character),
    get_char(Next),
    copy(Next).
