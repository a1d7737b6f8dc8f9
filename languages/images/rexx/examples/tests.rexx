number = linein()
select
  when number // 15 = 0 then say "FizzBuzz"
  when number // 3 = 0 then say "Fizz"
  when number // 5 = 0 then say "Buzz"
  otherwise say number
end
