% Loaded before the program: main is started once, whether the program has a directive for it or not. Where there is no main,
% the program is its directives.
user:term_expansion((:- initialization(main)), []).

gexec_start :-
    (   current_predicate(user:main/0)
    ->  user:main
    ;   true
    ).
