numeric digits 40
counts. = 0
letters = "AAB"
do i = 1 to length(letters)
  letter = substr(letters, i, 1)
  counts.letter = counts.letter + 1
end
say "collections: a="counts.a "b="counts.b
say "bigint:" 2 ** 100
say "date:" date("I", date("B", "20240228", "S") + 2, "B")
