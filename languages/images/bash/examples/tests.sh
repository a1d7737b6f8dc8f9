read -r number
words=
((number % 3)) || words=Fizz
((number % 5)) || words=${words}Buzz
echo "${words:-$number}"
