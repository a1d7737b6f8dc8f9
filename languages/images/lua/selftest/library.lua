local counts = {}
for letter in ("aab"):gmatch(".") do
  counts[letter] = (counts[letter] or 0) + 1
end
print(("collections: a=%d b=%d"):format(counts.a, counts.b))
print("regex: " .. table.concat({("on 2024-03-01"):match("(%d+)-(%d+)")}, " "))
local fruit = {"pear", "fig", "apple"}
table.sort(fruit)
print("sort: " .. table.concat(fruit, " "))
print("date: " .. os.date("%Y-%m-%d", os.time({year = 2024, month = 2, day = 28 + 2})))
