:- initialization(main).

main :-
    argument_list(Names),
    ( member(Name, Names), format('Hello, ~w!~n', [Name]), fail ; true ).
