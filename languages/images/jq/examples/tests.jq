. as $number
| [if $number % 3 == 0 then "Fizz" else empty end, if $number % 5 == 0 then "Buzz" else empty end]
| if . == [] then $number else add end
