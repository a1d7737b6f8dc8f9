for _, name in ipairs(arg) do
  print("Hello, " .. name .. "!")
end
