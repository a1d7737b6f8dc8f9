count = 0
sum = 0
do until lines() = 0
  parse linein number
  if number = "" then leave
  count = count + 1
  sum = sum + number
end
say count "numbers, sum" sum
