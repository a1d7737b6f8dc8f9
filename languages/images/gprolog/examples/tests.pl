:- initialization(main).

main :-
    read_integer(Number),
    (   Number mod 15 =:= 0 -> write('FizzBuzz')
    ;   Number mod 3 =:= 0 -> write('Fizz')
    ;   Number mod 5 =:= 0 -> write('Buzz')
    ;   write(Number)
    ),
    nl.
