dim count(2)
text$ = "aab"
for i = 1 to len(text$)
  letter = asc(mid$(text$, i, 1)) - 96
  count(letter) = count(letter) + 1
next i
print "collections: a=", count(1), " b=", count(2)
dim fruit$(3)
fruit$(1) = "pear"
fruit$(2) = "fig"
fruit$(3) = "apple"
for i = 1 to 2
  for j = 1 to 3 - i
    if (fruit$(j) > fruit$(j + 1)) then
      other$ = fruit$(j)
      fruit$(j) = fruit$(j + 1)
      fruit$(j + 1) = other$
    fi
  next j
next i
print "sort: ", fruit$(1), " ", fruit$(2), " ", fruit$(3)
