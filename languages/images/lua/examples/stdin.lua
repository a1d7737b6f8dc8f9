local count, sum = 0, 0
for line in io.lines() do
  count = count + 1
  sum = sum + math.tointeger(line)
end
print(count .. " numbers, sum " .. sum)
