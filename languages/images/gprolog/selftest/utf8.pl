:- initialization(main).

main :-
    write('żółć, 中文 🚀'), nl,
    get_char(Character),
    copy(Character).

copy(end_of_file) :- !.
copy(Character) :-
    put_char(Character),
    get_char(Next),
    copy(Next).
