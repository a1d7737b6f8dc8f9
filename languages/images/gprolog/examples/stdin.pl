:- initialization(main).

main :-
    total(0, 0, Count, Sum),
    format('~d numbers, sum ~d~n', [Count, Sum]).

total(Count0, Sum0, Count, Sum) :-
    peek_char(Character),
    (   Character == end_of_file
    ->  Count = Count0, Sum = Sum0
    ;   read_integer(Number),
        get_char(_),
        Count1 is Count0 + 1,
        Sum1 is Sum0 + Number,
        total(Count1, Sum1, Count, Sum)
    ).
