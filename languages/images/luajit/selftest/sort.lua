local bit = require("bit")

-- Numbers are floating-point ones; the products of the sequence need 64 bits.
local x, numbers = 42LL, {}
for i = 1, 1000000 do
  x = bit.band(x * 1103515245LL + 12345LL, 2147483647LL)
  numbers[i] = tonumber(x)
end
table.sort(numbers)
print(numbers[1] .. " " .. numbers[500001] .. " " .. numbers[1000000])
